//! The index of a store: its manifests and their names.
//!
//! - `entry`: one entry, and the names that entries have.
//! - `enter`: adding manifests to the entries.
//! - `document`: the JSON of an index, of which only the entries that change are encoded.
//! - `file`: the file `index.json`, which is read once in a process and changed under its lock.

mod document;
mod enter;
mod entry;
mod file;

pub use document::IndexDocument;
pub(super) use enter::enter;
pub use entry::Entry;
pub(super) use file::KnownIndex;
