//! The loop of a watch: polls, deliveries, and the pauses between them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::backoff::Backoff;
use super::delivery::{Delivery, waiting, with_causes};
use super::error::WatchError;
use super::plan::{WatchTarget, plans};
use super::poll::Poller;
use super::sink::{EventSink, SinkError};
use super::state::{State, StateFile};
use crate::limits;
use crate::progress::{Event, Progress};
use crate::registry::{Client, Error};

/// The targets of a watch, and its end.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// The tags, versions and repositories.
    pub targets: Vec<WatchTarget>,
    /// Also watches the documents that are attached to the versions of the tags, with one more request for each version
    /// and poll.
    pub has_attached: bool,
    /// The end of the watch.
    pub mode: WatchMode,
    /// The file with the state.
    pub state: PathBuf,
}

/// The end of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchMode {
    /// One poll. The events are delivered within some seconds, or by a later run.
    Once,
    /// A poll in this interval, without an end.
    Every(Duration),
}

/// The longest pause after failures of a registry, unless the interval is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(10 * 60);
/// The time for the deliveries of a single poll. The next run continues.
const DELIVERY_TIME: Duration = Duration::from_secs(8);

/// Watches, and delivers events to all `sinks`. Returns the number of events that a single poll noticed.
///
/// The state of a repository is recorded together with the events that follow from it, so that each event is delivered
/// at least once, whenever the process ends. The first poll of a repository only records what it sees.
pub fn watch(
    client: &Client,
    sinks: &[&dyn EventSink],
    progress: &dyn Progress,
    options: &WatchOptions,
) -> Result<usize, WatchError> {
    let (file, state) = StateFile::open(options.state.clone())?;
    let registries = plans(&options.targets).into_values().map(|plans| {
        let pollers = plans.into_iter().map(|plan| Poller::new(client, plan, options.has_attached));
        Registry { pollers: pollers.collect(), backoff: Backoff::new(), begun: 0 }
    });
    let registries = registries.collect();
    let delivery = Delivery::new(sinks, progress);
    let mut watching = Watching { registries, delivery, file, state, progress, noticed: 0 };
    match options.mode {
        WatchMode::Once => watching.once(),
        WatchMode::Every(interval) => loop {
            watching.poll_due(interval)?;
            watching.delivery.deliver(&watching.file, &mut watching.state)?;
            // A signal ends the process during the pause as well.
            std::thread::sleep(watching.next().saturating_duration_since(Instant::now()));
        },
    }
}

struct Watching<'a> {
    registries: Vec<Registry>,
    delivery: Delivery<'a>,
    file: StateFile,
    state: State,
    progress: &'a dyn Progress,
    /// The number of events so far.
    noticed: usize,
}

/// The repositories of one registry, which fails for all of them.
struct Registry {
    pollers: Vec<Poller>,
    backoff: Backoff,
    /// The number of pollers that have succeeded in this run.
    begun: usize,
}

impl Watching<'_> {
    fn once(&mut self) -> Result<usize, WatchError> {
        let mut failure = None;
        for position in 0..self.registries.len() {
            failure = failure.or(self.poll(position)?);
        }
        let delivered = self.deliver_within(DELIVERY_TIME);
        match failure {
            Some((name, source)) => Err(WatchError::Registry { name, source: Box::new(source) }),
            None => delivered.map(|()| self.noticed),
        }
    }

    fn deliver_within(&mut self, limit: Duration) -> Result<(), WatchError> {
        let end = Instant::now() + limit;
        let mut last: Option<SinkError> = None;
        loop {
            last = self.delivery.deliver(&self.file, &mut self.state)?.or(last);
            let Some(next) = self.delivery.next(&self.state) else { return Ok(()) };
            match last.take_if(|_| next > end) {
                Some(source) => {
                    let count = self.state.waiting_for_any(&self.delivery.names());
                    return Err(WatchError::Undelivered { count, source });
                }
                None => std::thread::sleep(next.saturating_duration_since(Instant::now())),
            }
        }
    }

    /// Polls the registries whose time has come. A failure that does not pass by itself ends the watch only at its
    /// beginning: later, credentials may be replaced, or a registry repaired.
    fn poll_due(&mut self, interval: Duration) -> Result<(), WatchError> {
        for position in 0..self.registries.len() {
            let now = Instant::now();
            if !self.registries[position].backoff.is_due(now) {
                continue;
            }
            let failure = self.poll(position)?;
            let registry = &mut self.registries[position];
            match failure {
                None => {
                    if registry.backoff.succeed(now + interval) {
                        let host = &registry.pollers[0].plan.reference.registry;
                        self.progress.report(&Event::Recovered { name: &format!("`{host}`") });
                    }
                }
                Some((name, source)) if registry.begun == 0 && !source.is_temporary() => {
                    return Err(WatchError::Registry { name, source: Box::new(source) });
                }
                Some((_, error)) => {
                    let longest = LONGEST_PAUSE.max(interval);
                    if let Some(pause) = registry.backoff.fail(interval, longest, error.retry_after()) {
                        self.progress.warn(&waiting(pause, with_causes(&error)));
                    }
                }
            }
        }
        Ok(())
    }

    /// Polls the repositories of one registry until one fails. Returns that failure, and the repository.
    fn poll(&mut self, position: usize) -> Result<Option<(String, Error)>, WatchError> {
        let registry = &mut self.registries[position];
        let names = self.delivery.names();
        for (at, poller) in registry.pollers.iter().enumerate() {
            if self.state.waiting_for_any(&names) >= limits::WATCH_QUEUE {
                break;
            }
            let name = poller.name();
            let before = self.state.repositories.entry(name.clone()).or_default();
            let polled = poller.poll(before, Timestamp::now());
            self.noticed += polled.events.len();
            let is_changed = *before != polled.seen || !polled.events.is_empty();
            *before = polled.seen;
            self.state.enqueue(polled.events, &names);
            if is_changed {
                self.file.save(&self.state)?;
            }
            if let Some(failure) = polled.failure {
                return Ok(Some((name, failure)));
            }
            if registry.begun == at {
                registry.begun += 1;
                self.progress.report(&Event::Watching { name: &name, tags: polled.tags, versions: polled.versions });
            }
        }
        Ok(None)
    }

    /// The time of the next poll or delivery.
    fn next(&self) -> Instant {
        let polls = self.registries.iter().map(|registry| registry.backoff.next);
        polls.chain(self.delivery.next(&self.state)).min().unwrap_or_else(Instant::now)
    }
}
