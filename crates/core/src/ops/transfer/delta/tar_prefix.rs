//! What stands before the files of a tar.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::contents::{Entry, Kind};

/// What stands between the content of a file in a tar and the padding of the file before it: the headers of folders, and its own. As
/// `kit` writes the layers that it makes tables of, equal leads are equal bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TarPrefix {
    pub(super) bytes: u64,
    /// Of everything that the headers say.
    fingerprint: u64,
}

/// Follows the entries of a table and tells what stands before each file.
#[derive(Default)]
pub(super) struct TarPrefixes {
    headers: DefaultHasher,
    reached: u64,
}

impl TarPrefixes {
    /// None for a folder, and where the table says what cannot be.
    pub(super) fn next(&mut self, entry: &Entry) -> Option<TarPrefix> {
        (&entry.path, entry.mode).hash(&mut self.headers);
        let Kind::File { size, offset, .. } = entry.kind else { return None };
        size.hash(&mut self.headers);
        let tar_prefix =
            offset.checked_sub(self.reached).map(|bytes| TarPrefix { bytes, fingerprint: self.headers.finish() });
        self.headers = DefaultHasher::new();
        self.reached = offset.checked_add(size)?.checked_add(padding(size))?;
        tar_prefix
    }
}

/// How many zeros follow the content of a file in a tar.
pub(super) fn padding(size: u64) -> u64 {
    size.wrapping_neg() % 512
}
