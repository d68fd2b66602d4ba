//! The imports and settings at the beginning of a module.

use std::collections::BTreeSet;

use crate::notebook::python::{Names, Statement, StatementKind, imports};

/// Returns true for an import on a line of its own.
pub(super) fn is_preamble(statement: &Statement) -> bool {
    statement.kind == StatementKind::Import
}

/// Returns true for a setting that imports may depend on, such as `sys.path.append("..")`, if it needs only modules
/// that are imported before it.
pub(super) fn is_setup(statement: &Statement, names: &Names, before: &[Statement]) -> bool {
    let code = statement.masked.trim_start();
    let is_setting = code.starts_with("sys.path.") || code.starts_with("os.environ");
    let imported: BTreeSet<_> =
        before.iter().flat_map(imports).flat_map(|import| import.names).chain(["str".to_owned()]).collect();
    is_setting && names.used.iter().all(|name| imported.contains(name))
}

/// The lines at the beginning of a module that uses `used`: imports of future statements first.
pub(super) fn preamble(all: &[Statement], used: &BTreeSet<String>) -> String {
    let settings = all.iter().filter(|statement| statement.kind != StatementKind::Import);
    let mut needed = used.clone();
    for setting in settings {
        needed.extend(crate::notebook::python::identifiers(&setting.masked).iter().map(|found| found.name.to_owned()));
    }
    let (mut future, mut others, mut seen) = (String::new(), String::new(), BTreeSet::new());
    for statement in all {
        let found = imports(statement);
        let is_future = found.iter().any(|import| import.module == "__future__");
        let is_needed =
            found.iter().any(|import| import.is_star || import.names.iter().any(|name| needed.contains(name)));
        let text = without_notes(statement);
        if (is_needed || is_future || statement.kind != StatementKind::Import) && seen.insert(text.clone()) {
            if is_future { &mut future } else { &mut others }.push_str(&text);
        }
    }
    if needed.contains("display") {
        others.push_str("from IPython.display import display\n");
    }
    if needed.contains("get_ipython") {
        others.push_str("from IPython import get_ipython\n");
    }
    future + &others
}

/// The lines of a statement without empty ones and those that are only comments.
fn without_notes(statement: &Statement) -> String {
    let lines = statement.text.split_inclusive('\n').zip(statement.masked.split_inclusive('\n'));
    lines.filter(|(_, masked)| !masked.trim().is_empty()).map(|(line, _)| line).collect()
}

/// The names that the imports define.
pub(super) fn imported_names(all: &[Statement]) -> BTreeSet<String> {
    all.iter().flat_map(imports).flat_map(|import| import.names).collect()
}
