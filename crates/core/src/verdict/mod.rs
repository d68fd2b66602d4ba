//! Verdicts for the people who use a model: whether a new version is compatible for an application, an operator, the
//! people who answer for data, or for security, and why.
//!
//! This module compares facts of two versions that were read before. It does not read layers.

mod comparison;
mod documents;
mod fact;
mod kitfiles;
mod labels;
mod metrics;
mod model;
mod packages;
mod pickles;
mod profile;
mod reason;
mod remote_code;
#[cfg(test)]
mod samples;
mod signature;
mod tokenizer;
mod version;
mod words;

pub use comparison::{
    Area, Change, Comparison, EvaluatedMetrics, FieldChange, FileChange, InvalidMinimum, Minimum, reasons, unknown,
};
pub use fact::{Fact, Level, Role, UnknownRole};
pub use kitfiles::{declared_metrics, numbers};
pub(crate) use packages::{locked_packages, normalized as normalized_package};
pub use profile::{ModelProfile, Profile, is_document};
pub use reason::{Place, Reason, Verdict, verdict};
pub use version::propose;
