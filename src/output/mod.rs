//! Output: streams, progress bars, tables, formats, templates, words, the closing line and the error report.

mod bars;
mod closing;
mod events;
mod format;
mod gauge;
pub(super) mod report;
mod streams;
pub(super) mod table;
mod template;
mod words;

pub(crate) use bars::Bars;
pub(crate) use closing::{Moved, and_taken};
pub(crate) use format::{Format, InvalidFormat};
pub(crate) use report::{ExitWithDifferences, ExitWithTrouble, NotLoggedIn, Usage, usage};
pub(crate) use streams::{Output, ProgressMode};
pub(crate) use table::one_line;
#[cfg(fuzzing)]
pub use template::fuzz_template;
pub(crate) use words::{counted, tidy};
