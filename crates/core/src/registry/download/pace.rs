//! The number of connections for one blob: it grows as long as that increases throughput.

use std::time::{Duration, Instant};

/// The number of connections that a blob starts with, if they are free.
pub(super) const FIRST_CONNECTIONS: usize = 2;
/// The shortest span: a shorter one says little about throughput.
const SHORTEST_SPAN: Duration = Duration::from_millis(50);
/// The number of spans after a growth that did not help, before it is tried again.
const REST_SPANS: u32 = 16;

/// A measurement of throughput by spans, in each of which each connection completes one piece.
pub(super) struct Pace {
    begun: Instant,
    bytes: u64,
    pieces: usize,
    /// The time that the reader waited for bytes.
    waited: Duration,
    waits_since: Option<Instant>,
    /// The number of connections and the throughput before the last growth, until its result is known.
    before: Option<(usize, f64)>,
    /// Set during the first span after a growth, which does not count: new connections start slowly.
    is_warming_up: bool,
    rest: u32,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        let (waited, waits_since) = (Duration::ZERO, None);
        Self { begun: now, bytes: 0, pieces: 0, waited, waits_since, before: None, is_warming_up: false, rest: 0 }
    }

    pub(super) fn received(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// Records that the reader starts to wait.
    pub(super) fn waits(&mut self, now: Instant) {
        self.waits_since = Some(now);
    }

    /// Records that the reader stops waiting.
    pub(super) fn resumes(&mut self, now: Instant) {
        if let Some(since) = self.waits_since.take() {
            self.waited += now.saturating_duration_since(since.max(self.begun));
        }
    }

    /// Records a complete piece. Returns the number of connections that there should be, if it should change.
    #[allow(clippy::cast_precision_loss, reason = "a rate need not be exact")]
    pub(super) fn piece_done(&mut self, connections: usize, now: Instant) -> Option<usize> {
        self.pieces += 1;
        let span = now.saturating_duration_since(self.begun);
        if self.pieces < connections || span < SHORTEST_SPAN {
            return None;
        }
        let rate = self.bytes as f64 / span.as_secs_f64();
        let is_hungry = self.end_span(now) * 5 > span;
        if std::mem::take(&mut self.is_warming_up) {
            return None;
        }
        if let Some((fewer, slower)) = self.before.take() {
            // The limit is a quarter of what each new connection could add.
            let hoped = (connections as f64 / fewer as f64 - 1.0) / 4.0;
            if rate < slower * (1.0 + hoped) {
                self.rest = REST_SPANS;
                return Some(fewer);
            }
        }
        // A reader that is always busy is the bottleneck itself.
        if !is_hungry {
            return None;
        }
        if self.rest > 0 {
            self.rest -= 1;
            return None;
        }
        self.before = Some((connections, rate));
        self.is_warming_up = true;
        Some(connections * 2)
    }

    /// Records that there are no free connections.
    pub(super) fn cannot_grow(&mut self) {
        self.before = None;
        self.is_warming_up = false;
    }

    /// Pauses growth, since the registry asked for fewer requests.
    pub(super) fn rest(&mut self) {
        self.cannot_grow();
        self.rest = REST_SPANS;
    }

    /// Starts a new span, and returns the time that the reader waited in the last one.
    fn end_span(&mut self, now: Instant) -> Duration {
        let is_waiting = self.waits_since.is_some();
        self.resumes(now);
        self.waits_since = is_waiting.then_some(now);
        (self.begun, self.bytes, self.pieces) = (now, 0, 0);
        std::mem::take(&mut self.waited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs spans in which `connections` have the given `throughput`, and returns the number of connections in each.
    fn levels(throughput: impl Fn(usize) -> u64, is_reader_idle: bool, spans: usize) -> Vec<usize> {
        let (mut now, mut connections) = (Instant::now(), FIRST_CONNECTIONS);
        let mut pace = Pace::new(now);
        let mut levels = Vec::new();
        for _ in 0..spans {
            levels.push(connections);
            if is_reader_idle {
                pace.waits(now);
            }
            now += Duration::from_millis(100);
            pace.resumes(now);
            pace.received(throughput(connections));
            let pieces = connections;
            for _ in 0..pieces {
                if let Some(wanted) = pace.piece_done(connections, now) {
                    connections = wanted.min(8);
                }
            }
            if connections == *levels.last().unwrap() && connections == 8 {
                pace.cannot_grow();
            }
        }
        levels
    }

    #[test]
    fn connections_grow_while_each_brings_something() {
        assert_eq!(levels(|connections| 1000 * connections as u64, true, 7), [2, 4, 4, 8, 8, 8, 8]);
    }

    #[test]
    fn useless_connections_are_closed_for_a_while() {
        let expected = [vec![2, 4, 4], vec![2; 16], vec![2, 4]].concat();
        assert_eq!(levels(|_| 1000, true, 21), expected[..21]);
    }

    #[test]
    fn a_busy_reader_needs_no_more_connections() {
        assert_eq!(levels(|connections| 1000 * connections as u64, false, 4), [2, 2, 2, 2]);
    }
}
