//! Comments on the notebooks of a project: the data that each loads and its parameters, above the code entry that holds
//! it.

use super::project::Files;
use crate::kitfile::{Kitfile, Note};
use crate::notebook::{Document, Facts, is_notebook_name};
use crate::ops::error::Error;

/// The number of names in a comment. Further names are only counted.
const NAMED: usize = 6;

/// Returns up to two comments for each notebook: the data that it loads, and its parameters.
///
/// Notebooks more than one level below the entries of a draft with this `depth` are not read.
pub(super) fn notes(files: &Files<'_>, kitfile: &Kitfile, depth: usize) -> Result<Vec<Note>, Error> {
    let mut notes = Vec::new();
    let is_read = |path: &&str| is_notebook_name(path) && path.matches('/').count() <= depth.saturating_add(1);
    for path in files.paths().filter(is_read) {
        let holds = |entry: &str| {
            entry == "." || path.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let Some(index) = kitfile.code.iter().position(|code| holds(&code.path)) else { continue };
        let Some(document) = files.text(path)?.as_deref().and_then(Document::read) else { continue };
        let Facts { loads, parameters, .. } = Facts::of(&document);
        let parameters = parameters.into_iter().map(|parameter| parameter.text).collect();
        for (words, found) in [("loads", loads), ("has the parameters", parameters)] {
            let field = format!("code[{index}].path");
            notes.extend(in_a_row(&found).map(|row| Note { field, text: format!("{path} {words} {row}") }));
        }
    }
    Ok(notes)
}

pub(super) fn in_a_row(found: &[String]) -> Option<String> {
    let (named, more) = found.split_at(found.len().min(NAMED));
    let more = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    (!found.is_empty()).then(|| format!("{}{more}", named.join(", ")))
}
