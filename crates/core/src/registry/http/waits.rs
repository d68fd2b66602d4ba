//! Long pauses before requests are repeated, and the message about them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::progress::{Notifier, Warning};
use crate::registry::error::Error;

/// A shorter pause is not worth a message.
const REPORTED_FROM: Duration = Duration::from_secs(2);

/// The pauses of all requests of a client. Several connections that wait for the same registry are reported once.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    notifier: Notifier,
    /// The end of the last pause that was reported.
    reported_until: Mutex<Option<Instant>>,
}

impl Waits {
    pub(crate) fn new(notifier: Notifier) -> Self {
        Self { notifier, reported_until: Mutex::default() }
    }

    /// Reports a pause after `failure`, unless it is short or another one has been reported and is not over.
    pub(super) fn report(&self, now: Instant, pause: Duration, failure: &Error) {
        if pause < REPORTED_FROM {
            return;
        }
        let mut until = self.reported_until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.is_some_and(|until| now < until) {
            return;
        }
        *until = now.checked_add(pause);
        drop(until);
        let answer = failure.answer().map(|answer| format!(": {answer}")).unwrap_or_default();
        self.notifier
            .warn(&Warning::WaitingForRegistry { seconds: pause.as_secs(), reason: format!("{failure}{answer}") });
    }
}
