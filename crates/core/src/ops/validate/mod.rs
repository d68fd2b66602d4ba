//! Checks a project before it is packed: the Kitfile, the files that it names, and secrets.

mod files;
mod owners;
mod project;

pub use project::{Finding, Severity, ValidateOptions, validate};
