//! Compares two versions of a notebook by cell.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::time::Instant;

use serde_json::Value;
use similar::DiffTag;

use super::compare::DiffOptions;
use super::text::{self, TextDiff};
use crate::notebook::{Cell, CellKind, Document};

/// The differences between two notebooks. Outputs, execution counts and the state of the user interface are not among
/// the differences of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotebookDiff {
    /// The number of cells in the first.
    pub cells_before: usize,
    /// The number of cells in the second.
    pub cells_after: usize,
    /// The cells that differ, in the order of the second notebook.
    pub cells: Vec<CellDiff>,
    /// True if the metadata of the notebook differ, such as its kernel.
    pub has_metadata_changed: bool,
    /// The number of cells whose outputs differ.
    pub outputs: usize,
}

/// A cell that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellDiff {
    /// The difference.
    pub change: CellChange,
    /// The kind, in the second notebook if it has the cell.
    pub kind: CellKind,
    /// The number of the cell in the first notebook, from 1.
    pub before: Option<usize>,
    /// The number of the cell in the second notebook, from 1.
    pub after: Option<usize>,
    /// True if the cell has another place among the other cells.
    pub is_moved: bool,
    /// True if its kind, its tags or other metadata, or its attachments differ.
    pub has_metadata_changed: bool,
    /// The lines that differ; `None` if there are too many.
    pub text: Option<TextDiff>,
}

/// The difference of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellChange {
    /// Only the second notebook has it.
    Added,
    /// Only the first notebook has it.
    Removed,
    /// Its source or its metadata differ.
    Changed,
    /// Only its place differs.
    Moved,
}

impl CellChange {
    /// The word for the difference.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Moved => "moved",
        }
    }
}

impl NotebookDiff {
    /// Returns true if the notebooks differ only in outputs and execution counts.
    pub fn is_outputs_only(&self) -> bool {
        self.cells.is_empty() && !self.has_metadata_changed
    }
}

/// The highest number of cells in one place that are compared with each other to find those that were edited.
const EDITED: usize = 64;
/// The similarity from which two cells are versions of the same one.
const SIMILAR: f32 = 0.5;

/// Compares the texts of two notebooks. Returns `None` if one of them is not a notebook.
pub(super) fn compare((before, after): (&str, &str), deadline: Instant, options: &DiffOptions) -> Option<NotebookDiff> {
    let (before, after) = (Document::read(before)?, Document::read(after)?);
    let pairs = pairs(&before.cells, &after.cells, deadline);
    let (ours, theirs): (HashSet<_>, HashSet<_>) = pairs.iter().map(|pair| (pair.before, pair.after)).unzip();
    let mut cells = Vec::new();
    let side = |change, cell: &Cell, (one, other): (Option<usize>, Option<usize>)| {
        let texts = if change == CellChange::Added { ("", &*cell.source) } else { (&*cell.source, "") };
        let text = compare_sources(texts, deadline, options);
        let (before, after) = (one.map(|at| at + 1), other.map(|at| at + 1));
        CellDiff { change, kind: cell.kind, before, after, is_moved: false, has_metadata_changed: false, text }
    };
    for (at, cell) in after.cells.iter().enumerate().filter(|(at, _)| !theirs.contains(at)) {
        cells.push((at, 1, side(CellChange::Added, cell, (None, Some(at)))));
    }
    for (at, cell) in before.cells.iter().enumerate().filter(|(at, _)| !ours.contains(at)) {
        // A removed cell is shown behind the cell that it followed, and before what was added there.
        let place = pairs.iter().filter(|pair| !pair.is_moved && pair.before < at).map(|pair| pair.after + 1).max();
        cells.push((place.unwrap_or(0), 0, side(CellChange::Removed, cell, (Some(at), None))));
    }
    let mut outputs = 0;
    for pair in &pairs {
        let (one, other) = (&before.cells[pair.before], &after.cells[pair.after]);
        outputs += usize::from(without_counts(&one.outputs) != without_counts(&other.outputs));
        cells.extend(changed(pair, (one, other), deadline, options).map(|cell| (pair.after, 2, cell)));
    }
    cells.sort_by_key(|(place, order, cell)| (*place, *order, cell.before));
    Some(NotebookDiff {
        cells_before: before.cells.len(),
        cells_after: after.cells.len(),
        cells: cells.into_iter().map(|(_, _, cell)| cell).collect(),
        has_metadata_changed: before.metadata != after.metadata,
        outputs,
    })
}

/// Compares the lines of two sources. The last line of a cell usually has no line feed, which is not a difference.
fn compare_sources((before, after): (&str, &str), deadline: Instant, options: &DiffOptions) -> Option<TextDiff> {
    let whole = |source: &str| match source {
        "" => String::new(),
        source => format!("{}\n", source.strip_suffix('\n').unwrap_or(source)),
    };
    text::compare((&whole(before), &whole(after)), deadline, options)
}

/// Two versions of a cell, by their indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pair {
    before: usize,
    after: usize,
    is_moved: bool,
}

fn changed(pair: &Pair, (one, other): (&Cell, &Cell), deadline: Instant, options: &DiffOptions) -> Option<CellDiff> {
    let has_metadata_changed = one.metadata != other.metadata || one.others != other.others || one.kind != other.kind;
    let is_edited = one.source != other.source;
    let change = match (is_edited || has_metadata_changed, pair.is_moved) {
        (true, _) => CellChange::Changed,
        (false, true) => CellChange::Moved,
        (false, false) => return None,
    };
    let text = if is_edited { compare_sources((&one.source, &other.source), deadline, options) } else { None };
    let (before, after) = (Some(pair.before + 1), Some(pair.after + 1));
    Some(CellDiff { change, kind: other.kind, before, after, is_moved: pair.is_moved, has_metadata_changed, text })
}

/// Pairs the cells: those with the same source in the same order, then those with the same identifier, then those with
/// the same source elsewhere, then those with a similar source.
fn pairs(before: &[Cell], after: &[Cell], deadline: Instant) -> Vec<Pair> {
    let key = |cell: &Cell| format!("{} {}", cell.kind.word(), cell.source);
    let (ones, others) = (before.iter().map(key).collect::<Vec<_>>(), after.iter().map(key).collect::<Vec<_>>());
    let aligned = text::align(ones.iter().map(String::as_str), others.iter().map(String::as_str), deadline);
    let (mut pairs, mut gaps) = (Vec::new(), Vec::new());
    for step in aligned.ops() {
        let (tag, old, new) = step.as_tag_tuple();
        if tag == DiffTag::Equal {
            pairs.extend(old.zip(new).map(|(before, after)| Pair { before, after, is_moved: false }));
        } else {
            gaps.push((old, new));
        }
    }
    let mut taken = Taken {
        before: pairs.iter().map(|pair: &Pair| pair.before).collect(),
        after: pairs.iter().map(|pair| pair.after).collect(),
    };
    let by_id = |cell: &Cell| cell.id.clone();
    let by_source = |cell: &Cell| (!cell.source.trim().is_empty()).then(|| key(cell));
    let mut found = taken.matching(before, after, by_id);
    found.extend(taken.matching(before, after, by_source));
    // First in the same place, then anywhere.
    gaps.push((0..before.len(), 0..after.len()));
    for (old, new) in gaps {
        found.extend(taken.similar((before, old), (after, new), deadline));
    }
    pairs.extend(found.into_iter().map(|(before, after)| Pair { before, after, is_moved: false }));
    mark_moved(&mut pairs);
    pairs
}

/// Marks the pairs that do not belong to a longest sequence with the same order on both sides.
fn mark_moved(pairs: &mut [Pair]) {
    pairs.sort_by_key(|pair| pair.before);
    // For each length, the pair with the lowest index at the end of a sequence of this length (patience sorting).
    let mut ends = Vec::<usize>::new();
    let mut previous = vec![None; pairs.len()];
    for (at, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].after < pair.after);
        previous[at] = length.checked_sub(1).map(|shorter| ends[shorter]);
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    for pair in pairs.iter_mut() {
        pair.is_moved = true;
    }
    let mut next = ends.last().copied();
    while let Some(at) = next {
        pairs[at].is_moved = false;
        next = previous[at];
    }
}

/// The cells that have a partner.
struct Taken {
    before: HashSet<usize>,
    after: HashSet<usize>,
}

impl Taken {
    /// Pairs the free cells with equal keys, and takes them. Keys that occur several times on a side are in order.
    fn matching(
        &mut self,
        before: &[Cell],
        after: &[Cell],
        key: impl Fn(&Cell) -> Option<String>,
    ) -> Vec<(usize, usize)> {
        let mut free = HashMap::<String, Vec<usize>>::new();
        for (at, cell) in before.iter().enumerate().rev().filter(|(at, _)| !self.before.contains(at)) {
            if let Some(key) = key(cell) {
                free.entry(key).or_default().push(at);
            }
        }
        let mut found = Vec::new();
        for (at, cell) in after.iter().enumerate() {
            if !self.after.contains(&at)
                && let Some(one) = key(cell).and_then(|key| free.get_mut(&key)?.pop())
            {
                self.before.insert(one);
                self.after.insert(at);
                found.push((one, at));
            }
        }
        found
    }
}

impl Taken {
    /// Pairs the first free cells of both ranges that are similar, and takes them.
    fn similar(
        &mut self,
        (before, old): (&[Cell], Range<usize>),
        (after, new): (&[Cell], Range<usize>),
        deadline: Instant,
    ) -> Vec<(usize, usize)> {
        let old: Vec<_> = old.filter(|at| !self.before.contains(at)).take(EDITED).collect();
        let new: Vec<_> = new.filter(|at| !self.after.contains(at)).take(EDITED).collect();
        let mut found = Vec::new();
        for one in old {
            let is_version =
                |other: &&usize| !self.after.contains(*other) && is_similar(&before[one], &after[**other], deadline);
            if let Some(other) = new.iter().find(is_version) {
                self.before.insert(one);
                self.after.insert(*other);
                found.push((one, *other));
            }
        }
        found
    }
}

fn is_similar(one: &Cell, other: &Cell, deadline: Instant) -> bool {
    let lines = || text::align(text::lines_of(&one.source), text::lines_of(&other.source), deadline);
    one.kind == other.kind && lines().ratio() >= SIMILAR
}

/// The outputs without their execution counts.
fn without_counts(outputs: &Value) -> Vec<Value> {
    let without = |output: &Value| {
        let mut output = output.clone();
        if let Some(members) = output.as_object_mut() {
            members.retain(|key, _| !["execution_count", "prompt_number"].contains(&&**key));
        }
        output
    };
    outputs.as_array().map(|outputs| outputs.iter().map(without).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn compared(before: &[Value], after: &[Value]) -> NotebookDiff {
        let options = DiffOptions {
            only: None,
            paths: Arc::default(),
            jobs: 1,
            remote_limit: 0,
            with_patches: true,
            with_statistics: false,
            with_contents: true,
        };
        let text = |cells: &[Value]| json!({ "cells": cells, "metadata": {}, "nbformat": 4 }).to_string();
        compare((&text(before), &text(after)), text::deadline(), &options).unwrap()
    }

    fn code(source: &str) -> Value {
        json!({ "cell_type": "code", "source": source, "outputs": [], "execution_count": null, "metadata": {} })
    }

    fn check(before: &[Value], after: &[Value], expected: &str) {
        let shown = compared(before, after).cells.into_iter().map(|cell| {
            let number = |number: Option<usize>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
            format!("{} {}→{}", cell.change.word(), number(cell.before), number(cell.after))
        });
        assert_eq!(shown.collect::<Vec<_>>().join(", "), expected);
    }

    #[test]
    fn cells_are_added_removed_changed_and_moved() {
        let [a, b, c] = ["a = 1\nx\ny", "b = 2", "c = 3"].map(code);
        let all = [a.clone(), b.clone(), c.clone()];
        check(&all, &all, "");
        check(&all, &[a.clone(), c.clone()], "removed 2→-");
        check(&all, &[a.clone(), code("n"), b.clone(), c.clone()], "added -→2");
        check(&all, &[code("a = 2\nx\ny"), b.clone(), c.clone()], "changed 1→1");
        check(&all, &[b.clone(), c.clone(), a.clone()], "moved 1→3");
        check(&all, &[a.clone(), code("other"), c.clone()], "removed 2→-, added -→2");
        let with_id = |source: &str| json!({ "cell_type": "code", "id": "k", "source": source });
        check(&[a.clone(), with_id("p")], &[a, with_id("q")], "changed 2→2");
    }

    #[test]
    fn outputs_and_counts_are_not_differences_of_cells() {
        let run = |count: u64, text: &str| {
            let data = json!({ "text/plain": text });
            let output = json!({ "output_type": "execute_result", "execution_count": count, "data": data });
            let metadata = json!({ "scrolled": count });
            json!({ "cell_type": "code", "source": "x", "execution_count": count, "metadata": metadata,
                "outputs": [output] })
        };
        let found = compared(&[run(1, "a")], &[run(2, "b")]);
        assert!(found.is_outputs_only());
        assert_eq!(found.outputs, 1);
        assert_eq!(compared(&[run(1, "a")], &[run(2, "a")]).outputs, 0);
        let tagged = json!({ "cell_type": "code", "source": "x", "metadata": { "tags": ["parameters"] } });
        assert!(!compared(&[run(1, "a")], &[tagged]).is_outputs_only());
    }
}
