//! The cells of notebooks in the output of `kit diff`.

use serde_json::{Value, json};

use super::patch::{escape, side_names};
use crate::output::{counted, one_line};
use kit_core::ops::{CellChange, CellDiff, FileDiff, NotebookDiff};

/// The maximum number of cells listed for a file; the JSON output has all of them.
const CELLS: usize = 20;

/// Describes the changes of a notebook in a few words.
pub(super) fn describe(notebook: &NotebookDiff) -> Vec<String> {
    if notebook.is_outputs_only() {
        return vec!["outputs only".to_owned()];
    }
    let mut words = Vec::new();
    let counts = [CellChange::Changed, CellChange::Added, CellChange::Removed, CellChange::Moved].map(|change| {
        let count = notebook.cells.iter().filter(|cell| cell.change == change).count();
        (count > 0).then(|| format!("{count} {}", change.word()))
    });
    let counts: Vec<_> = counts.into_iter().flatten().collect();
    if !counts.is_empty() {
        words.push(format!("cells: {}", counts.join(", ")));
    }
    if notebook.has_metadata_changed {
        words.push("metadata changed".to_owned());
    }
    if notebook.outputs > 0 {
        words.push(format!("outputs of {} changed", counted(notebook.outputs, "cell")));
    }
    words
}

/// One line for each of the first cells that differ.
pub(super) fn lines(notebook: &NotebookDiff) -> String {
    let mut text: String = notebook.cells.iter().take(CELLS).map(line).collect();
    if notebook.cells.len() > CELLS {
        text.extend(["      … and ", &(notebook.cells.len() - CELLS).to_string(), " more\n"]);
    }
    text
}

fn line(cell: &CellDiff) -> String {
    let mark = match cell.change {
        CellChange::Added => '+',
        CellChange::Removed => '-',
        CellChange::Changed | CellChange::Moved => '~',
    };
    let mut words = Vec::new();
    if let Some(text) = &cell.text {
        words.push(format!("+{} −{}", text.added, text.removed));
    }
    if let (Some(before), true) = (cell.before, cell.is_moved) {
        words.push(format!("moved from {before}"));
    }
    if cell.has_metadata_changed {
        words.push("metadata changed".to_owned());
    }
    let number = cell.after.or(cell.before).unwrap_or_default();
    format!("      {mark} cell {number} ({})   {}\n", cell.kind.word(), words.join("   "))
}

/// The unified diffs of the cells with untrusted characters escaped; empty without --patch.
pub(super) fn patches(file: &FileDiff) -> Vec<String> {
    let Some(notebook) = &file.content.notebook else { return Vec::new() };
    notebook.cells.iter().filter_map(|cell| patch(file, cell)).map(|patch| escape(&patch)).collect()
}

fn patch(file: &FileDiff, cell: &CellDiff) -> Option<String> {
    let hunks = cell.text.as_ref()?.hunks.as_ref()?;
    let (before, after) = side_names(file);
    let side = |name: String, number: Option<usize>| match number {
        Some(number) => format!("{}, cell {number}", one_line(&name)),
        None => "/dev/null".to_owned(),
    };
    Some(format!("--- {}\n+++ {}\n{hunks}", side(before, cell.before), side(after, cell.after)))
}

/// The differences as data.
pub(super) fn data(file: &FileDiff) -> Option<Value> {
    let notebook = file.content.notebook.as_deref()?;
    let cell = |cell: &CellDiff| {
        json!({
            "change": cell.change.word(),
            "kind": cell.kind.word(),
            "before": cell.before,
            "after": cell.after,
            "moved": cell.is_moved,
            "metadataChanged": cell.has_metadata_changed,
            "added": cell.text.as_ref().map(|text| text.added),
            "removed": cell.text.as_ref().map(|text| text.removed),
            "patch": patch(file, cell),
        })
    };
    Some(json!({
        "outputsOnly": notebook.is_outputs_only(),
        "outputsChanged": notebook.outputs,
        "metadataChanged": notebook.has_metadata_changed,
        "cellsBefore": notebook.cells_before,
        "cellsAfter": notebook.cells_after,
        "cells": notebook.cells.iter().map(cell).collect::<Vec<_>>(),
    }))
}
