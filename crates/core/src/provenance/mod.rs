//! The provenance of a ModelKit: a record that is attached to it as a referrer, in the form of an in-toto statement
//! with a SLSA provenance predicate.
//!
//! This module works on documents alone, without access to disk, clock or environment.

mod import;
mod record;
mod source_url;
mod statement;

pub use import::ImportRecord;
pub use record::{Builder, Commit, Material, Record, Role};
pub use source_url::{SourceUrl, without_secrets};
pub(crate) use statement::PREDICATE_ANNOTATION;
pub use statement::{MEDIA_TYPE, PREDICATE_TYPE};
