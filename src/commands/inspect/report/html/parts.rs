//! The parts of the ModelKit and their sizes.

use std::collections::BTreeMap;

use super::super::facts::section_word;
use super::blocks::{Kind, Section, code, digest, none, or_none, path_name, table, with_note};
use crate::output::page::{Html, Share, element, share_bar};
use kit_core::ops::{Report, ReportedPart};
use kit_core::progress::human;

/// The most parts that are listed.
const PARTS: usize = 200;

pub(super) fn section(report: &Report) -> Section {
    let columns = [
        ("Part", Kind::Text),
        ("Type", Kind::Text),
        ("Files", Kind::Number),
        ("Size", Kind::Number),
        ("Stored as", Kind::Extra),
        ("Digest", Kind::Extra),
    ];
    let rows = report.parts.iter().take(PARTS).map(row);
    let section = Section::new("parts", "Parts").add(share_bar("Size by type", &shares(report)));
    let section = section.add(table("Parts", columns, rows));
    if report.parts.len() > PARTS {
        let more = format!("and {} more parts: see `kit inspect`", report.parts.len() - PARTS);
        return section.add(element("p").class("more").text(&more));
    }
    section
}

/// The order of the sections, which is that of the colours.
const SECTIONS: [&str; 7] = ["model", "model.parts", "datasets", "code", "docs", "prompts", "mcpServers"];

fn shares(report: &Report) -> Vec<Share> {
    let mut sizes = BTreeMap::<usize, u64>::new();
    for part in &report.parts {
        let place = SECTIONS.iter().position(|section| Some(*section) == part.section).unwrap_or(SECTIONS.len());
        let size = sizes.entry(place).or_default();
        *size = size.saturating_add(part.size.unwrap_or_default());
    }
    sizes.retain(|_, size| *size > 0);
    let share = |(place, size): (usize, u64)| Share {
        name: section_word(SECTIONS.get(place).copied()).to_owned(),
        words: human(size),
        size,
        colour: place,
    };
    sizes.into_iter().map(share).collect()
}

fn row(part: &ReportedPart) -> [Html; 6] {
    let name = if part.name.is_empty() { &part.path } else { &part.name };
    let name = if name.is_empty() { "(no entry in the Kitfile)" } else { name };
    let path = if part.name.is_empty() || part.name == part.path { "" } else { &part.path };
    let size = match (part.size, part.unpacked_size) {
        (Some(size), Some(unpacked)) if part.compression.is_some() => {
            with_note(Html::text(&human(size)), &format!("{} unpacked", human(unpacked)))
        }
        (Some(size), _) => Html::text(&human(size)),
        (None, _) => none(),
    };
    [
        with_note(path_name(name), path),
        Html::text(section_word(part.section)),
        part.files.map_or_else(none, |files| Html::text(&files.to_string())),
        size,
        stored_as(part),
        part.digest.as_ref().map_or_else(none, digest),
    ]
}

/// The end of the media type, which says how the files are stored.
fn stored_as(part: &ReportedPart) -> Html {
    let Some(media_type) = &part.media_type else { return Html::text("elsewhere") };
    let end = media_type.rsplit_once(".v1.").map_or("", |(_, end)| end);
    if end.is_empty() { or_none(media_type) } else { element("span").with("title", media_type).add(code(end)).into() }
}
