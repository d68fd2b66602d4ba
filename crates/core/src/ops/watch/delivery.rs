//! Delivering the queued events to the sinks, each at its own pace.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::error::WatchError;
use super::sink::{EventSink, SinkError};
use super::state::{State, StateFile};
use crate::progress::{Event, Progress, Warning};

/// The pauses after failures.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// The sinks and their failures.
pub(super) struct Delivery<'a> {
    sinks: Vec<(&'a dyn EventSink, Backoff)>,
    progress: &'a dyn Progress,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(sinks: &[&'a dyn EventSink], progress: &'a dyn Progress) -> Self {
        Self { sinks: sinks.iter().map(|sink| (*sink, Backoff::new())).collect(), progress }
    }

    /// The names of the sinks.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.sinks.iter().map(|(sink, _)| sink.name().to_owned()).collect()
    }

    /// The time of the next attempt, if events wait for any of the sinks.
    pub(super) fn next(&self, state: &State) -> Option<Instant> {
        let waiting = self.sinks.iter().filter(|(sink, _)| state.waiting_for(sink.name()) > 0);
        waiting.map(|(_, backoff)| backoff.next).min()
    }

    /// Delivers the events to the sinks that are not pausing after a failure. Every event that was taken is recorded
    /// before the next one. Returns the last failure, after which another attempt can succeed.
    pub(super) fn deliver(&mut self, file: &StateFile, state: &mut State) -> Result<Option<SinkError>, WatchError> {
        let mut failure = None;
        for (sink, backoff) in &mut self.sinks {
            if state.waiting_for(sink.name()) == 0 || !backoff.is_due(Instant::now()) {
                continue;
            }
            match deliver_to(*sink, file, state)? {
                None => {
                    if backoff.succeed(Instant::now()) {
                        self.progress.report(&Event::Recovered { name: &sink.title() });
                    }
                }
                Some(error) if error.is_final() => return Err(WatchError::Sink(error)),
                Some(error) => {
                    if let Some(pause) = backoff.fail(FIRST_PAUSE, LONGEST_PAUSE, error.retry_after()) {
                        self.progress.warn(&waiting(pause, with_causes(&error)));
                    }
                    backoff.scatter();
                    failure = Some(error);
                }
            }
        }
        Ok(failure)
    }
}

/// Delivers the events in their order until one fails for a reason that concerns all of them. Returns that failure, or
/// the last one of a single event.
fn deliver_to(sink: &dyn EventSink, file: &StateFile, state: &mut State) -> Result<Option<SinkError>, WatchError> {
    let (mut position, mut failure) = (0, None);
    while let Some(queued) = state.queue.get(position) {
        if !queued.sinks.contains(sink.name()) {
            position += 1;
            continue;
        }
        match sink.deliver(&queued.event) {
            Ok(()) => {
                position += usize::from(!state.taken(position, sink.name()));
                file.save(state)?;
            }
            Err(error) if error.is_about_this_event() => {
                failure = Some(error);
                position += 1;
            }
            Err(error) => return Ok(Some(error)),
        }
    }
    Ok(failure)
}

/// The warning about a pause before the next attempt.
pub(super) fn waiting(pause: Duration, reason: String) -> Warning<'static> {
    Warning::WaitingForRegistry { seconds: pause.as_secs(), remaining_seconds: None, reason }
}

/// The text of an error with its causes.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
