//! Checking a project before it is packed: the Kitfile, the files it names, secrets.

mod files;
mod project;
mod secrets;

pub use project::{Finding, Severity, ValidateOptions, validate};
pub(crate) use secrets::is_secret_setting;
