//! Hints: the next step after an error.

pub(super) mod full_disk;
mod hint;
mod import;
mod names;
mod policy;
mod registry;
mod store;

pub(super) use hint::hint;
