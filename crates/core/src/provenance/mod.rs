//! Where a ModelKit came from: a record that is attached to it, as an in-toto statement with a SLSA provenance predicate.
//!
//! Works on documents alone: no disk, no clock, no environment.

mod record;
mod source_url;
mod statement;

pub use record::{Builder, Commit, Material, Record, Role};
pub use source_url::{SourceUrl, without_secrets};
pub use statement::{MEDIA_TYPE, PREDICATE_TYPE};
