//! The headers before the files of a tar.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::contents::{Entry, Kind};

/// The bytes between the padding of a file in a tar and the content of the next one: the headers of directories, and
/// the header of the file. `kit` itself writes all layers for which it makes tables, so equal prefixes mean equal
/// bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TarPrefix {
    pub(super) bytes: u64,
    /// A hash of all fields of the headers.
    fingerprint: u64,
}

/// Computes the prefix of each file from the entries of a table, in their order.
#[derive(Default)]
pub(super) struct TarPrefixes {
    headers: DefaultHasher,
    reached: u64,
}

impl TarPrefixes {
    /// Returns `None` for a folder, and if the table is inconsistent.
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

/// The number of zeros after the content of a file in a tar.
pub(super) fn padding(size: u64) -> u64 {
    size.wrapping_neg() % 512
}
