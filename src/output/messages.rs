//! The texts of an error and its causes, on one line except for the errors that list something.

use super::hints::full_disk;
use super::streams::Message;
use super::template::InvalidTemplate;
use crate::commands::Beside;
use kit_core::archive;
use kit_core::kitfile::CannotPin;
use kit_core::ops::{self, BundleError, ImportError, IndexError};
use kit_core::problem::Invalid;

/// The error and its causes, outermost first. Repeated texts of errors that only wrap another one are removed.
pub(super) fn messages(error: &anyhow::Error) -> Vec<Message> {
    let message =
        |cause: &(dyn std::error::Error + 'static)| Message { text: cause.to_string(), has_lines: has_lines(cause) };
    let mut messages: Vec<_> = error.chain().map(message).collect();
    messages.dedup_by(|cause, wrapper| {
        let is_same = cause.text == wrapper.text;
        wrapper.has_lines |= is_same && cause.has_lines;
        is_same
    });
    full_disk::explain(error, &mut messages);
    messages
}

/// Returns true for the errors that list something, one item a line.
fn has_lines(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.is::<Invalid>()
        || cause.is::<Beside>()
        || cause.is::<InvalidTemplate>()
        || matches!(cause.downcast_ref(), Some(CannotPin::Invalid(_)))
        || cause.downcast_ref().is_some_and(ops::Error::has_lines)
        || cause.downcast_ref().is_some_and(IndexError::has_lines)
        || cause.downcast_ref().is_some_and(archive::Error::has_lines)
        || cause.downcast_ref().is_some_and(|error| match error {
            BundleError::Incomplete(_) => true,
            BundleError::Operation(error) => error.has_lines(),
            _ => false,
        })
        || cause.downcast_ref().is_some_and(|error| match error {
            ImportError::Kitfile(_) => true,
            ImportError::Archive(error) => error.has_lines(),
            ImportError::Operation(error) => error.has_lines(),
            _ => false,
        })
}
