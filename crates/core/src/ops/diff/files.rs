//! Finds the files that differ between layers, and reads no more of them than necessary.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

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
    let (mut gone, mut found) = (Vec::new(), Vec::new());
    for (path, before) in &*first {
        match (second.get(path), before.state.digest) {
            (Some(after), _) => found.extend(change(before, after).map(|it| diff(path, it, Some(before), Some(after)))),
            (None, Some(digest)) => gone.push((digest, path)),
            (None, None) => found.push(diff(path, FileChange::Removed, Some(before), None)),
        }
    }
    let mut gone = Gone::new(gone);
    for (path, after) in second.iter().filter(|(path, _)| !first.contains_key(*path)) {
        let from = after.state.digest.and_then(|digest| gone.take(&digest));
        found.push(match from {
            Some(from) => diff(path, FileChange::Moved(from.clone()), first.get(from), Some(after)),
            None => diff(path, FileChange::Added, None, Some(after)),
        });
    }
    found.extend(gone.rest().map(|path| diff(path, FileChange::Removed, first.get(path), None)));
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// The files that only the first side has, by digest.
struct Gone<'f> {
    files: Vec<(Digest, &'f RelativePath)>,
    /// The range of those in `files` that were not taken.
    left: HashMap<Digest, Range<usize>>,
}

impl<'f> Gone<'f> {
    /// Takes the files in the order of their paths.
    fn new(mut files: Vec<(Digest, &'f RelativePath)>) -> Self {
        files.sort_by_key(|(digest, _)| *digest);
        let mut left: HashMap<_, Range<usize>> = HashMap::new();
        for (index, (digest, _)) in files.iter().enumerate() {
            left.entry(*digest).or_insert(index..index).end = index + 1;
        }
        Self { files, left }
    }

    /// Takes the first file with this digest.
    fn take(&mut self, digest: &Digest) -> Option<&'f RelativePath> {
        Some(self.files[self.left.get_mut(digest)?.next()?].1)
    }

    fn rest(self) -> impl Iterator<Item = &'f RelativePath> {
        self.left.into_values().flatten().map(move |index| self.files[index].1)
    }
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
    // One side after the other, because the paths of both together take much memory.
    let paths = wanted(first, second, &come);
    read_digests(first, &paths, jobs)?;
    drop(paths);
    let paths = wanted(second, first, &gone);
    read_digests(second, &paths, jobs)
}
