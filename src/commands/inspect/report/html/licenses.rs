//! The licences of the parts.

use serde_json::Value;

use super::super::facts::Tone;
use super::blocks::{Kind, Section, badge, code, none, or_none, table};
use crate::output::page::{Html, element};
use kit_core::ops::Report;

/// The most parts that are listed.
const PARTS: usize = 200;

pub(super) fn section(report: &Report) -> Section {
    let columns =
        [("Part", Kind::Text), ("In the Kitfile", Kind::Text), ("SPDX", Kind::Text), ("Licence file", Kind::Extra)];
    let is_silent = |part: &&Value| part["text"].is_null() && part["file"].is_null();
    let (silent, stated): (Vec<_>, Vec<_>) = report.licenses.iter().partition(is_silent);
    let section = Section::new("licenses", "Licences");
    if stated.is_empty() {
        return section.lead("The Kitfile states no licence, and no licence file was found.");
    }
    let section = section.add(table("Licences", columns, stated.into_iter().take(PARTS).map(row)));
    if silent.is_empty() {
        return section;
    }
    let names: Vec<_> = silent.iter().filter_map(|part| part["part"].as_str()).take(PARTS).collect();
    section.add(element("p").class("more").text(&format!("No licence is stated for {}.", names.join(", "))))
}

fn row(part: &Value) -> [Html; 4] {
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
    [
        element("span").class("path").text(&text(&part["part"])).into(),
        or_none(&text(&part["text"])),
        expression,
        or_none(&file),
    ]
}
