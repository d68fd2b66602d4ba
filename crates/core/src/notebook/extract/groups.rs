//! Moves cells to later modules until no module needs a name of a later one.

use std::collections::{BTreeMap, BTreeSet};

use super::cells::{CellCode, Group};

/// The uses of one name in one cell.
#[derive(Clone, Copy)]
struct Uses {
    cell: usize,
    reads: bool,
    reads_late: bool,
    writes: bool,
}

/// Raises the groups of cells until every name is defined in the group that reads it or before, and until the order
/// of the groups keeps the order in which a name is read and written.
///
/// A name in `rebound` has to be in one module, because other modules would keep its first value.
pub(super) fn settle(cells: &mut [CellCode], rebound: &BTreeSet<String>) {
    let names = uses(cells);
    loop {
        let mut is_settled = true;
        for (name, uses) in &names {
            is_settled &= !settle_name(cells, uses);
            if rebound.contains(name) {
                is_settled &= !gather(cells, uses);
            }
        }
        if is_settled {
            return;
        }
    }
}

/// The uses of each name that a cell reads from another, in the order of the cells.
fn uses(cells: &[CellCode]) -> BTreeMap<String, Vec<Uses>> {
    let defined: BTreeSet<_> = cells.iter().flat_map(|cell| &cell.defined).collect();
    let read: BTreeSet<_> = cells.iter().flat_map(|cell| cell.exposed.iter().chain(&cell.late)).collect();
    let mut names = BTreeMap::<String, Vec<Uses>>::new();
    for (index, cell) in cells.iter().enumerate() {
        let all: BTreeSet<_> =
            cell.exposed.iter().chain(&cell.late).chain(&cell.defined).chain(&cell.changed).collect();
        for name in all.into_iter().filter(|name| defined.contains(name) && read.contains(name)) {
            let writes = cell.defined.contains(name) || cell.changed.contains(name);
            let (reads, reads_late) = (cell.exposed.contains(name), cell.late.contains(name));
            names.entry(name.clone()).or_default().push(Uses { cell: index, reads, reads_late, writes });
        }
    }
    names
}

/// Moves all cells with a name to the last of their modules. Returns true if one was moved.
fn gather(cells: &mut [CellCode], uses: &[Uses]) -> bool {
    let last = uses.iter().map(|one| cells[one.cell].group).max();
    let mut is_moved = false;
    for one in uses {
        if Some(cells[one.cell].group) != last {
            cells[one.cell].group = last.unwrap_or(cells[one.cell].group);
            is_moved = true;
        }
    }
    is_moved
}

/// Returns true if a group was raised.
fn settle_name(cells: &mut [CellCode], uses: &[Uses]) -> bool {
    let mut is_raised = false;
    let mut raise = |cells: &mut [CellCode], cell: usize, least: Group| {
        if cells[cell].group < least {
            cells[cell].group = least;
            is_raised = true;
        }
    };
    let (mut read, mut written) = (Group::Parameters, Group::Parameters);
    for one in uses {
        if one.reads || one.reads_late {
            raise(cells, one.cell, written);
        }
        if one.writes {
            raise(cells, one.cell, read.max(written));
        }
        let group = cells[one.cell].group;
        if one.reads {
            read = read.max(group);
        }
        if one.writes {
            written = written.max(group);
        }
    }
    // A function sees the names that exist when it is called, also those that later cells define.
    for one in uses.iter().filter(|one| one.reads_late) {
        raise(cells, one.cell, written);
    }
    is_raised
}
