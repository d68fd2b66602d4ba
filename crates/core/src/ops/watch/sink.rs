//! The interface of a receiver of events.

use std::io;
use std::time::Duration;

use super::event::WatchEvent;
use crate::registry;

/// A receiver of events. Each event is delivered at least once: again after a failure, and after a restart.
pub trait EventSink {
    /// A short name that is the same in every run.
    fn name(&self) -> &'static str;

    /// The receiver, for messages: a name in backticks, or a description.
    fn title(&self) -> String;

    /// Delivers one event.
    fn deliver(&self, event: &WatchEvent) -> Result<(), SinkError>;
}

/// The reason why an event was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The receiver of a webhook cannot be reached, or refuses the event.
    #[error("the webhook did not take the event")]
    Webhook(#[source] Box<registry::Error>),
    /// The receiver of a webhook wants no events any more (410).
    #[error("`{0}` answered 410: it accepts no more events")]
    Gone(String),
    /// The command cannot be started.
    #[error("cannot run the command of --exec")]
    Start(#[source] io::Error),
    /// The command failed.
    #[error("the command of --exec failed ({0})")]
    Failed(String),
    /// The command did not end in time.
    #[error("the command of --exec did not end within {0} s")]
    TooLong(u64),
    /// The output cannot be written.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
}

impl SinkError {
    /// Returns true if no later attempt can succeed, for any event.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Gone(_) | Self::Output(_))
    }

    /// Returns true if only this event is refused, so that others may be taken.
    pub(super) fn is_about_this_event(&self) -> bool {
        match self {
            Self::Webhook(error) => {
                matches!(&**error, registry::Error::Status { status: 400 | 409 | 413 | 422, .. })
            }
            Self::Failed(_) | Self::TooLong(_) => true,
            _ => false,
        }
    }

    /// The pause that the receiver asks for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Webhook(error) => error.retry_after(),
            _ => None,
        }
    }
}
