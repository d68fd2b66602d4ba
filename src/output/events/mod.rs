//! Events and warnings of operations as lines for people.

mod lines;
mod recalls;
mod warnings;

pub(super) use lines::{has_line, line};
pub(super) use warnings::warning_line;
