//! Rules for files that would run code, leak a credential or misrepresent themselves. Nothing is ever loaded, imported,
//! unpickled or executed.
//!
//! [`scan_file`] asks the recognisers in [`scanner`] one after the other: by content first, by name second. A format
//! with members hands each of them back, so that a pickle in an archive is found like a pickle in a file.
//!
//! The content is not trusted: memory does not grow with it, and whatever exceeds a limit is reported.

#![expect(dead_code, reason = "the formats with members are not there yet")]

mod config_json;
mod finding;
mod findings;
mod json;
mod keras;
mod member;
mod native;
mod notebook;
mod report;
mod scanner;
pub(crate) mod secrets;
mod template;
mod tensorflow;
mod text;
#[cfg(test)]
mod verdicts;
mod window;
mod windows;

pub use finding::{Finding, Level, Place};
pub use member::ReadSeek;
pub use report::{RULES_VERSION, Report, Rules, Skipped};
pub use scanner::scan_file;
