//! The cells of a notebook with the names that connect them.

use std::collections::{BTreeMap, BTreeSet};

use super::preamble::{is_preamble, is_setup};
use crate::notebook::document::Document;
use crate::notebook::facts::PARAMETERS;
use crate::notebook::python::{Names, Statement, StatementKind, names_of, plain, statements};
use crate::notebook::role::{Role, role};

/// The module that a cell belongs to. A module imports names only from those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Parameters,
    Common,
    Training,
    Evaluation,
    Serving,
}

/// One cell, without the statements that all modules may need.
pub(super) struct CellCode {
    /// The number of the cell, from 1.
    pub(super) number: usize,
    pub(super) group: Group,
    pub(super) statements: Vec<(Statement, Names)>,
    /// The names that must exist before the cell runs.
    pub(super) exposed: BTreeSet<String>,
    /// The names that must exist when its functions are called.
    pub(super) late: BTreeSet<String>,
    pub(super) defined: BTreeSet<String>,
    pub(super) changed: BTreeSet<String>,
}

/// Returns the cells with code, and the imports and settings that modules may share, in order.
pub(super) fn cells(document: &Document) -> (Vec<CellCode>, Vec<Statement>) {
    let (mut cells, mut preamble, mut is_begun) = (Vec::new(), Vec::new(), false);
    for (number, cell) in document.code() {
        let plain = plain(&cell.source);
        let all = statements(&plain.code);
        let role = role(&all);
        let mut code = Vec::new();
        for statement in all {
            let names = names_of(&statement);
            if is_preamble(&statement) || is_setup(&statement, &names, &preamble) {
                preamble.push(statement);
            } else {
                code.push((statement, names));
            }
        }
        let works = code.iter().any(|(statement, _)| statement.kind == StatementKind::Other);
        let group = match role {
            _ if cell.has_tag(PARAMETERS) => Group::Parameters,
            Some(Role::Serving) => Group::Serving,
            Some(Role::Training) if works => Group::Training,
            // Functions are shared, and a measurement before the training prepares it.
            Some(Role::Evaluation) if works && (is_begun || !trains(document)) => Group::Evaluation,
            _ => Group::Common,
        };
        is_begun |= group == Group::Training;
        if !code.is_empty() {
            cells.push(CellCode::new(number, group, code));
        }
    }
    (cells, preamble)
}

/// Returns true if a cell looks like training.
fn trains(document: &Document) -> bool {
    document.code().any(|(_, cell)| role(&statements(&plain(&cell.source).code)) == Some(Role::Training))
}

impl CellCode {
    fn new(number: usize, group: Group, statements: Vec<(Statement, Names)>) -> Self {
        let none = BTreeSet::new;
        let (exposed, late, defined, changed) = (none(), none(), none(), none());
        let mut cell = Self { number, group, statements, exposed, late, defined, changed };
        for (_, names) in &cell.statements {
            cell.exposed.extend(names.used.difference(&cell.defined).cloned());
            cell.late.extend(names.late.iter().cloned());
            cell.changed.extend(names.changed.iter().cloned());
            cell.defined.extend(names.defined.iter().cloned());
        }
        cell
    }

    /// Returns true if the cell has code, not only comments.
    pub(super) fn has_code(&self) -> bool {
        self.statements.iter().any(|(statement, _)| statement.kind != StatementKind::Comment)
    }
}

/// Notes the names that functions rebind with `global`, or whose values they change, as changed in the cells that use
/// such a function. Returns those that are rebound.
pub(super) fn note_rebound(cells: &mut [CellCode]) -> BTreeSet<String> {
    let mut effects = BTreeMap::<String, BTreeSet<String>>::new();
    let mut called = BTreeMap::<String, BTreeSet<String>>::new();
    let mut rebound = BTreeSet::new();
    for (statement, names) in cells.iter().flat_map(|cell| &cell.statements) {
        let global = declared_global(&statement.masked);
        rebound.extend(global.iter().cloned());
        for name in &names.defined {
            let effects = effects.entry(name.clone()).or_default();
            effects.extend(global.iter().chain(&names.changed_late).cloned());
            called.entry(name.clone()).or_default().extend(names.late.iter().cloned());
        }
    }
    // A function also does what the functions that it calls do.
    loop {
        let before = effects.values().map(BTreeSet::len).sum::<usize>();
        for (name, called) in &called {
            let more: Vec<_> = called.iter().filter_map(|other| effects.get(other)).flatten().cloned().collect();
            effects.entry(name.clone()).or_default().extend(more);
        }
        if effects.values().map(BTreeSet::len).sum::<usize>() == before {
            break;
        }
    }
    for cell in cells {
        let used = cell.exposed.iter().chain(&cell.late);
        let names: Vec<_> = used.filter_map(|name| effects.get(name)).flatten().cloned().collect();
        cell.changed.extend(names.iter().cloned());
        cell.late.extend(names);
    }
    rebound
}

/// The names in the `global` statements of functions.
pub(super) fn declared_global(masked: &str) -> Vec<String> {
    let names = masked.lines().filter_map(|line| line.trim_start().strip_prefix("global "));
    names.flat_map(|names| names.split(',')).map(|name| name.trim().to_owned()).collect()
}
