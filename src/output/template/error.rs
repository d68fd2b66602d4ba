//! Errors of templates, which point at the place in the template.

use kit_core::problem::{Mark, Position, Source, quoted};

/// A template that cannot be parsed, or that does not fit the data.
///
/// Displays on several lines: the message, then the line of the template with carets below the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "cannot use the template {}: {message} (line {}, column {})\n{position}",
    quoted(.template), .position.line, .position.column
)]
pub(crate) struct InvalidTemplate {
    template: String,
    message: String,
    position: Position,
}

impl InvalidTemplate {
    pub(super) fn new(template: &str, fault: Fault) -> Self {
        let position = Source::new(template).position(fault.mark);
        Self { template: template.to_owned(), message: fault.message, position }
    }
}

/// An error at a range of bytes of the template.
#[derive(Debug)]
pub(super) struct Fault {
    mark: Mark,
    message: String,
}

impl Fault {
    pub(super) fn new(mark: Mark, message: impl Into<String>) -> Self {
        Self { mark, message: message.into() }
    }
}
