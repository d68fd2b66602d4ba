//! Rules for files that would run code, leak a credential or misrepresent themselves. Nothing is ever loaded, imported,
//! unpickled or executed.
//!
//! [`scan_file`] asks the recognisers in [`scanner`] one after the other: by content first, by name second. A format
//! with members hands each of them back, so that a pickle in an archive is found like a pickle in a file.
//!
//! The content is not trusted: memory does not grow with it, and whatever exceeds a limit is reported.

mod archive;
mod config_json;
mod finding;
mod findings;
mod gguf;
mod json;
mod keras;
mod member;
mod native;
mod notebook;
mod numpy;
mod overlapping;
mod pickle;
mod python_literal;
mod report;
mod rule;
mod safetensors;
mod scanner;
pub(crate) mod secrets;
mod template;
mod tensorflow;
mod text;
#[cfg(test)]
mod verdicts;
mod window;

pub use finding::{Finding, Level, Place};
pub use member::ReadSeek;
pub(crate) use pickle::is_named_like_a_pickle;
pub use report::{RULES_VERSION, Report, Rules, Skipped};
pub use rule::{RULES, Rule};
pub use scanner::scan_file;
