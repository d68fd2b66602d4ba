//! The record of the caller about the files that this program writes into a folder.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::{BuildHasher, RandomState};

use crate::relative_path::RelativePath;
use crate::sys::Metadata;

/// The record of the files that are written into one folder. The methods are called from several threads.
pub trait Ledger: Debug + Send + Sync {
    /// Returns true if the existing file `found` was written by this program, was not changed by anyone since then, and
    /// can have lost content in a crash of the machine. Called only for files that differ from those to be unpacked.
    fn is_damaged(&self, path: &RelativePath, found: &Metadata) -> bool;

    /// Notes a file that is going to be at `path`.
    fn note(&self, path: &RelativePath, written: &Metadata);

    /// Notes that the files begin to get their names. `received` has all files of the run.
    fn begin_placing(&self, received: &Received);
}

/// The paths of the files of a run, whether they had to be written or not.
#[derive(Debug, Default)]
pub struct Received {
    all: Fingerprints,
    written: Fingerprints,
}

impl Received {
    /// Returns true if the file `path` is one of them.
    pub fn contains(&self, path: &RelativePath) -> bool {
        self.all.contains(path)
    }

    /// Returns true if the file `path` is written: it did not exist, or is replaced.
    pub fn is_written(&self, path: &RelativePath) -> bool {
        self.written.contains(path)
    }

    /// Adds `path`. Returns false if it was already present.
    pub(super) fn add(&mut self, path: &RelativePath) -> bool {
        self.all.insert(path)
    }

    pub(super) fn add_written(&mut self, path: &RelativePath) {
        self.written.insert(path);
    }
}

/// A set of paths, with 8 bytes and a small overhead for each.
///
/// The hash has a random key, so names that collide cannot be chosen on purpose. By chance, one run in thirty million
/// with a million files would refuse one of them.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    key: RandomState,
    seen: HashSet<u64>,
}

impl Fingerprints {
    /// Adds `path`. Returns false if it was already present.
    pub(super) fn insert(&mut self, path: &RelativePath) -> bool {
        self.seen.insert(self.key.hash_one(path))
    }

    fn contains(&self, path: &RelativePath) -> bool {
        self.seen.contains(&self.key.hash_one(path))
    }
}
