//! Compares the contents of files that differ, each in the way that its kind allows.

use std::io::Read;
use std::time::Instant;

use super::compare::DiffOptions;
use super::files::{FileChange, FileDiff};
use super::listing::{File, Files};
use super::notebook::{self, NotebookDiff};
use super::table::{self, TableDiff};
use super::tensors::{self, TensorsDiff};
use super::text::{self, TextDiff};
use crate::limits;
use crate::notebook::is_notebook_name;
use crate::oci::ContentError;
use crate::ops::error::Error;
use crate::ops::workers;

/// The differences within a file. All fields are empty if contents of its kind cannot be compared, or if the file is
/// remote and large.
#[derive(Debug, Clone, Default)]
pub struct ContentDiff {
    /// The tensors of a file of weights that both sides have, if its headers can be read.
    pub tensors: Option<Box<TensorsDiff>>,
    /// The lines of a small text.
    pub text: Option<Box<TextDiff>>,
    /// The cells of a notebook that both sides have; then there is no [`text`](Self::text).
    pub notebook: Option<Box<NotebookDiff>>,
    /// The rows and columns of a table that both sides have.
    pub table: Option<Box<TableDiff>>,
}

/// The number of files that are compared before the results are collected.
const BATCH: usize = 4096;

/// Compares the contents of the files in `found`.
pub(super) fn compare(
    found: &mut [FileDiff],
    (before, after): (&Files, &Files),
    options: &DiffOptions,
) -> Result<(), Error> {
    let texts = text::read(found, (before, after), options)?;
    let deadline = text::deadline();
    let compare = |diff: &FileDiff| -> Result<_, Error> {
        let pair = texts.pair(diff);
        let text = || pair.and_then(|pair| text::compare(pair, deadline, options)).map(Box::new);
        let (Some(before), Some(after)) = (before.get(&diff.path), after.get(&diff.path)) else {
            return Ok(ContentDiff { text: text(), ..ContentDiff::default() });
        };
        if let Some(cells) = compare_notebooks(diff, pair, (before, after), (deadline, options))? {
            return Ok(ContentDiff { notebook: Some(Box::new(cells)), ..ContentDiff::default() });
        }
        let is_late = before.is_local() && after.is_local();
        let tensors = if is_late { None } else { tensors::compare(diff, before, after, options)?.map(Box::new) };
        let table = compare_tables(diff, pair, (before, after))?.map(Box::new);
        Ok(ContentDiff { tensors, text: text(), table, notebook: None })
    };
    for found in found.chunks_mut(BATCH) {
        let contents = workers::run(options.jobs, found, compare)?;
        found.iter_mut().zip(contents).for_each(|(diff, content)| diff.content = content);
    }
    compare_local_tensors(found, (before, after), options)
}

/// Compares the files of weights that are local on both sides, one pair after the other: the headers of each may take
/// tens of megabytes. The tensors of a pair are compared in parallel. Headers in a registry do not wait for each other,
/// because reading them is slow.
fn compare_local_tensors(
    found: &mut [FileDiff],
    (before, after): (&Files, &Files),
    options: &DiffOptions,
) -> Result<(), Error> {
    for diff in found {
        let (Some(before), Some(after)) = (before.get(&diff.path), after.get(&diff.path)) else { continue };
        if before.is_local() && after.is_local() {
            diff.content.tensors = tensors::compare(diff, before, after, options)?.map(Box::new);
        }
    }
    Ok(())
}

/// Compares a file whose name is that of a notebook, from memory if its text has been read already. Outputs make
/// notebooks larger than other texts, so they have a limit of their own.
fn compare_notebooks(
    FileDiff { path, change, .. }: &FileDiff,
    texts: Option<(&str, &str)>,
    (before, after): (&File, &File),
    (deadline, options): (Instant, &DiffOptions),
) -> Result<Option<NotebookDiff>, Error> {
    if *change != FileChange::Changed || !path.file_name().is_some_and(is_notebook_name) {
        return Ok(None);
    }
    if let Some(texts) = texts {
        return Ok(notebook::compare(texts, deadline, options));
    }
    let read = |file: &File| -> Result<Option<String>, Error> {
        let is_read = file.can_be_read() && file.state.size <= limits::DIFF_NOTEBOOK_BYTES;
        let Some(content) = file.content().filter(|_| is_read) else { return Ok(None) };
        let failed = |error: ContentError| Error::reading(&format!("`{path}`"), error);
        let mut bytes = Vec::new();
        let reader = content.open_whole().map_err(failed)?;
        reader.take(file.state.size).read_to_end(&mut bytes).map_err(|error| failed(error.into()))?;
        Ok(String::from_utf8(bytes).ok())
    };
    let (Some(before), Some(after)) = (read(before)?, read(after)?) else { return Ok(None) };
    Ok(notebook::compare((&before, &after), deadline, options))
}

/// Compares a file whose name is that of a table, from memory if its text has been read already.
fn compare_tables(
    FileDiff { path, change, .. }: &FileDiff,
    texts: Option<(&str, &str)>,
    (before, after): (&File, &File),
) -> Result<Option<TableDiff>, Error> {
    let Some(delimiter) = table::delimiter(path).filter(|_| *change == FileChange::Changed) else { return Ok(None) };
    let failed = |error: ContentError| Error::reading(&format!("`{path}`"), error);
    if let Some((before, after)) = texts {
        return table::compare(before.as_bytes(), after.as_bytes(), delimiter).map_err(|error| failed(error.into()));
    }
    let is_read = |file: &File| file.can_be_read() && file.state.size <= limits::DIFF_TABLE_BYTES;
    let (Some(one), Some(other)) = (before.content(), after.content()) else { return Ok(None) };
    if !is_read(before) || !is_read(after) {
        return Ok(None);
    }
    let (one, other) = (one.open_whole().map_err(failed)?, other.open_whole().map_err(failed)?);
    table::compare(one, other, delimiter).map_err(|error| failed(error.into()))
}
