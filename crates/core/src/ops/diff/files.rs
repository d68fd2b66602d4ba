//! Finds the files that differ between layers, and reads no more of them than necessary.

use std::collections::{HashMap, HashSet, VecDeque};

use super::concern::Concern;
use super::content::ContentDiff;
use super::listing::{File, FileState, Files, read_digests};
use crate::digest::Digest;
use crate::ops::error::Error;
use crate::relative_path::RelativePath;

/// A file that differs between the two sides.
#[derive(Debug, Clone)]
pub struct FileDiff {
    /// Its path in the second, or in the first if the second does not have the file.
    pub path: RelativePath,
    /// The concern of the file.
    pub concern: Concern,
    /// The kind of change.
    pub change: FileChange,
    /// The file in the first.
    pub before: Option<FileState>,
    /// The file in the second.
    pub after: Option<FileState>,
    /// The differences within the file.
    pub content: ContentDiff,
}

/// The kind of change of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Removed,
    /// Its content differs.
    Changed,
    /// The same content was at this path, which no longer exists.
    Moved(RelativePath),
    /// Only its permissions differ.
    Mode,
    /// Path and size are the same, and the mode may be; the contents were not read, because they are remote and large.
    NotCompared,
}

impl FileChange {
    /// The word for the change.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Moved(_) => "moved",
            Self::Mode => "mode",
            Self::NotCompared => "unread",
        }
    }
}

/// Returns the files that differ between `first` and `second`, sorted by path. Contents are read, `jobs` at once, only
/// if the sizes are equal.
pub(super) fn compare(first: &mut Files, second: &mut Files, jobs: usize) -> Result<Vec<FileDiff>, Error> {
    read_where_sizes_are_equal(first, second, jobs)?;
    let mut gone: HashMap<Digest, VecDeque<(RelativePath, File)>> = HashMap::new();
    let mut found = Vec::new();
    for (path, before) in &*first {
        match (second.get(path), before.state.digest) {
            (Some(after), _) => found.extend(change(before, after).map(|it| diff(path, it, Some(before), Some(after)))),
            (None, Some(digest)) => gone.entry(digest).or_default().push_back((path.clone(), before.clone())),
            (None, None) => found.push(diff(path, FileChange::Removed, Some(before), None)),
        }
    }
    for (path, after) in second.iter().filter(|(path, _)| !first.contains_key(*path)) {
        let from = after.state.digest.and_then(|digest| gone.get_mut(&digest)?.pop_front());
        found.push(match &from {
            Some((from, before)) => diff(path, FileChange::Moved(from.clone()), Some(before), Some(after)),
            None => diff(path, FileChange::Added, None, Some(after)),
        });
    }
    let gone = gone.into_values().flatten();
    found.extend(gone.map(|(path, before)| diff(&path, FileChange::Removed, Some(&before), None)));
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn diff(path: &RelativePath, change: FileChange, before: Option<&File>, after: Option<&File>) -> FileDiff {
    let file = after.or(before).expect("a file is on one side at least");
    let concern = Concern::of_file(file.section, path);
    let (before, after) = (before.map(|file| file.state), after.map(|file| file.state));
    FileDiff { path: path.clone(), concern, change, before, after, content: ContentDiff::default() }
}

fn change(before: &File, after: &File) -> Option<FileChange> {
    let (one, other) = (before.state, after.state);
    let of_mode = (one.mode != other.mode).then_some(FileChange::Mode);
    match (one.digest, other.digest) {
        _ if one.size != other.size => Some(FileChange::Changed),
        (Some(one), Some(other)) if one != other => Some(FileChange::Changed),
        (Some(_), Some(_)) => of_mode,
        // The layers differ, and everything but the content of this file is equal: packers store no timestamps in
        // layers.
        _ if before.frame.is_some() && before.frame == after.frame => Some(FileChange::Changed),
        _ => Some(FileChange::NotCompared),
    }
}

/// Reads the digests of files that may have the same content as a file on the other side: one with the same path, or
/// one that was moved.
fn read_where_sizes_are_equal(first: &mut Files, second: &mut Files, jobs: usize) -> Result<(), Error> {
    let sizes = |files: &Files, others: &Files| -> HashSet<u64> {
        files.iter().filter(|(path, _)| !others.contains_key(*path)).map(|(_, file)| file.state.size).collect()
    };
    let (gone, come) = (sizes(first, second), sizes(second, first));
    let is_wanted = |path: &RelativePath, file: &File, others: &Files, sizes: &HashSet<u64>| {
        let may_be_equal = match others.get(path) {
            Some(other) => other.state.size == file.state.size && (other.can_be_read() || other.state.digest.is_some()),
            None => sizes.contains(&file.state.size),
        };
        may_be_equal && file.state.digest.is_none() && file.can_be_read()
    };
    let wanted = |files: &Files, others: &Files, sizes| -> Vec<RelativePath> {
        let wanted = files.iter().filter(|(path, file)| is_wanted(path, file, others, sizes));
        wanted.map(|(path, _)| path.clone()).collect()
    };
    let (from_first, from_second) = (wanted(first, second, &come), wanted(second, first, &gone));
    read_digests(first, &from_first, jobs)?;
    read_digests(second, &from_second, jobs)
}
