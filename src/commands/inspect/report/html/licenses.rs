//! The licences of the parts.

use serde_json::Value;

use super::super::facts::Tone;
use super::blocks::{Kind, Section, badge, code, none, or_none, path_name, table, with_note};
use crate::output::page::{Html, element};
use kit_core::kitfile::Kitfile;
use kit_core::ops::Report;

/// The most parts that are listed.
const PARTS: usize = 200;

pub(super) fn section(report: &Report) -> Section {
    let kitfile = &report.inspected.modelkit.config.kitfile;
    let columns =
        [("Part", Kind::Text), ("In the Kitfile", Kind::Text), ("SPDX", Kind::Text), ("Licence file", Kind::Extra)];
    let is_silent = |part: &&Value| part["text"].is_null() && part["file"].is_null();
    let (silent, stated): (Vec<_>, Vec<_>) = report.licenses.iter().partition(is_silent);
    let section = Section::new("licenses", "Licences");
    if stated.is_empty() {
        return section.lead("The Kitfile states no licence, and no licence file was found.");
    }
    let section =
        section.add(table("Licences", columns, stated.into_iter().take(PARTS).map(|part| row(kitfile, part))));
    if silent.is_empty() {
        return section;
    }
    let names: Vec<_> =
        silent.iter().filter_map(|part| part["part"].as_str()).take(PARTS).map(|part| title(kitfile, part)).collect();
    section.add(element("p").class("more").text(&format!("No licence is stated for {}.", names.join(", "))))
}

/// The name of a part in the Kitfile: its path or its name.
fn title(kitfile: &Kitfile, part: &str) -> String {
    let index = |list: &str| part.strip_prefix(list)?.strip_prefix('[')?.strip_suffix(']')?.parse::<usize>().ok();
    let path = if let Some(index) = index("model.parts") {
        kitfile.model.as_ref().and_then(|model| model.parts.get(index)).map(|part| &part.path)
    } else if let Some(index) = index("datasets") {
        kitfile.datasets.get(index).map(|it| if it.name.is_empty() { &it.path } else { &it.name })
    } else if let Some(index) = index("code") {
        kitfile.code.get(index).map(|code| &code.path)
    } else if let Some(index) = index("docs") {
        kitfile.docs.get(index).map(|docs| &docs.path)
    } else {
        None
    };
    path.filter(|path| !path.is_empty()).map_or_else(|| part.to_owned(), Clone::clone)
}

/// The name of a part, and its place in the Kitfile.
fn part_name(kitfile: &Kitfile, part: &str) -> Html {
    let title = title(kitfile, part);
    let place = if title == part { "" } else { part };
    with_note(path_name(&title), place)
}

fn row(kitfile: &Kitfile, part: &Value) -> [Html; 4] {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let expression = match (part["text"].as_str(), part["expression"].as_str()) {
        (_, Some(expression)) => code(expression),
        (Some(_), None) => badge(Tone::Caution, "not an SPDX expression").into(),
        (None, None) => none(),
    };
    let file = match (part["file"]["path"].as_str(), part["file"]["license"].as_str()) {
        (Some(path), Some(license)) => format!("{path}: {license}"),
        (Some(path), None) => format!("{path}: not recognized"),
        (None, _) => String::new(),
    };
    [part_name(kitfile, &text(&part["part"])), or_none(&text(&part["text"])), expression, or_none(&file)]
}
