//! Checks a project before it is packed: the Kitfile, the files that it names, and secrets.

mod files;
mod project;
mod secrets;

pub use project::{Finding, Severity, ValidateOptions, validate};
pub(crate) use secrets::is_secret_setting;
