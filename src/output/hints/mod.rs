//! Hints: the next step after an error.

pub(super) mod full_disk;
mod hint;
mod import;
mod registry;

pub(super) use hint::hint;
