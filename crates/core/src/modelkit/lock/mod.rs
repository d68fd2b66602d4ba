//! `Kitfile.lock`: the files, layers and parents of a packed Kitfile, as text that users can review and git can merge.

mod document;
mod drift;
mod fields;
mod parent_names;
mod read;
#[cfg(test)]
mod samples;
mod word;
mod write;

pub use document::{Lock, LockedFile, LockedFolder, LockedLayer, LockedParent, LockedRemote, kitfile_digest};
pub use drift::{Change, Drift, Subject};
pub use parent_names::parent_names;
pub use read::parse_lock;
