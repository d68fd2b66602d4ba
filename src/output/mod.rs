//! Output: streams, progress bars, tables, formats, templates, words, the closing line and the error report.

mod age;
mod bars;
mod closing;
mod colours;
mod events;
mod exit;
mod fit;
mod format;
mod gauge;
mod heartbeat;
mod hints;
mod media_types;
mod messages;
pub(super) mod page;
mod receipt;
pub(super) mod report;
mod rows;
mod streams;
pub(super) mod table;
mod template;
mod text;
mod words;

pub(crate) use age::age;
pub(crate) use bars::Bars;
pub(crate) use closing::{Moved, and_taken};
pub(crate) use colours::Colours;
pub(crate) use exit::{Code, Failure};
pub(crate) use format::{Format, InvalidFormat, to_json};
pub(crate) use receipt::Receipt;
pub(crate) use report::{ExitWithDifferences, ExitWithTrouble, ExitWithVerdict, NotLoggedIn, Usage, usage};
pub(crate) use streams::{Detail, Output, ProgressMode};
#[cfg(fuzzing)]
pub use template::fuzz_template;
pub(crate) use text::{json_text, one_line};
pub(crate) use words::{counted, plain, tidy, tidy_in};
