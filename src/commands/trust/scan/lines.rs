//! The findings as lines of text.

use crate::output::one_line;
use kit_core::ops::{FileFinding, Scanned};
use kit_core::scan::Place;

/// Spaces between columns.
const GAP: usize = 2;

/// Renders one line for each finding: level, path, rule, detail and place.
pub(super) fn render(scanned: &Scanned) -> String {
    let rows: Vec<_> = scanned.findings.iter().map(cells).collect();
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let padded = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(padded.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end());
        text.push('\n');
    }
    text
}

fn cells(found: &FileFinding) -> [String; 5] {
    let finding = &found.finding;
    let place = finding.place.as_ref().map_or_else(String::new, in_words);
    [finding.level.as_str(), &found.path(), finding.rule, &finding.detail, &place].map(one_line)
}

/// The place in words: `offset 26`, `line 3`, `cell 2, output`.
pub(super) fn in_words(place: &Place) -> String {
    match place {
        Place::Offset(offset) => format!("offset {offset}"),
        Place::Line(line) => format!("line {line}"),
        Place::Cell { number, is_output: true } => format!("cell {number}, output"),
        Place::Cell { number, is_output: false } => format!("cell {number}, source"),
    }
}
