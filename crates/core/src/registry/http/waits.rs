//! Long pauses before requests are repeated, and the message about them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::progress::{Notifier, Warning};
use crate::registry::error::Error;

/// A shorter pause is not worth a message.
const REPORTED_FROM: Duration = Duration::from_secs(2);

/// The time between two messages while the failures continue, or while there is no answer.
pub(super) const REPORTED_EVERY: Duration = Duration::from_secs(30);

/// The pauses of all requests of a client. Several connections that wait for the same registry are reported once.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    notifier: Notifier,
    /// The time until which no pause is reported.
    reported_until: Mutex<Option<Instant>>,
}

impl Waits {
    pub(crate) fn new(notifier: Notifier) -> Self {
        Self { notifier, reported_until: Mutex::default() }
    }

    /// Reports a pause after `failure`, unless it is short, or another one was reported a moment ago or is not over.
    /// `remaining` is the time after which the request fails, if it is limited by time.
    pub(super) fn report(&self, now: Instant, pause: Duration, remaining: Option<Duration>, failure: &Error) {
        if pause < REPORTED_FROM {
            return;
        }
        if !self.is_due(now, pause) {
            return;
        }
        let cause = std::error::Error::source(failure).map(|cause| format!(": {cause}")).unwrap_or_default();
        self.notifier.warn(&Warning::WaitingForRegistry {
            seconds: pause.as_secs(),
            remaining_seconds: remaining.map(|remaining| remaining.as_secs()),
            reason: format!("{failure}{cause}"),
        });
    }

    /// Reports that `host` has not answered a request for `silence`, unless another wait was reported a moment ago.
    pub(super) fn report_silence(&self, now: Instant, host: &str, silence: Duration) {
        if self.is_due(now, Duration::ZERO) {
            self.notifier.warn(&Warning::WaitingForAnswer { registry: host, seconds: silence.as_secs() });
        }
    }

    /// Returns true if nothing was reported a moment ago. Then the next report is due after `pause`, but not at once.
    fn is_due(&self, now: Instant, pause: Duration) -> bool {
        let mut until = self.reported_until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.is_some_and(|until| now < until) {
            return false;
        }
        // The next silence of the same length is reported, although timers are not exact.
        *until = now.checked_add(pause.max(REPORTED_EVERY.saturating_sub(Duration::from_secs(1))));
        true
    }
}
