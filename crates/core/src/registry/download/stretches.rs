//! One connection as long as it is fast, for increasingly long stretches of the blob; several connections as soon as
//! it is not.
//!
//! A nearby registry sends more over one connection than can be hashed, and every request costs it time: docker's
//! reads 4 MiB ahead for each. Pulling 2 GiB from it took 5.9 s in pieces, and takes 3.9 s in stretches (curl: 4.7
//! s).

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::body::Body;
use super::budget::Share;
use super::chunks::Chunks;
use super::origin::Origin;
use super::pace::FIRST_CONNECTIONS;
use super::parallel::Parallel;
use super::stream::Stream;
use crate::registry::client::Client;
use crate::registry::error::Error;
use crate::registry::http::retrying;

/// The limit for a stretch, so that a connection that becomes slow is noticed.
const LONGEST_BYTES: u64 = 256 * 1024 * 1024;

/// The share of the time that round trips between stretches may take.
const ROUND_TRIP_SHARE: f64 = 1.0 / 16.0;
/// The time for which the reader waits before a connection is judged within a stretch.
const SPAN: Duration = Duration::from_millis(250);
/// The remaining time of a stretch from which on it is worthwhile to cut it short.
const WORTH_SECONDS: f64 = 1.0;

pub(super) struct Stretches {
    client: Client,
    origin: Arc<Origin>,
    way: Option<Way>,
    /// The part of the current stretch that the reader has not received.
    stretch: Range<u64>,
    /// The end of the wanted range.
    end: u64,
    stretch_bytes: u64,
    /// The time that the reader waited for the bytes of the current stretch, after the head of the answer.
    waited: Duration,
    /// The time from the last request to the head of its answer.
    round_trip: Duration,
    span: Span,
    /// Set if the connection became slow within a stretch.
    is_slow: bool,
    piece_bytes: u64,
}

/// A part of a stretch for which the reader waited [`SPAN`].
#[derive(Default)]
struct Span {
    waited: Duration,
    bytes: u64,
}

enum Way {
    One(Stream),
    Several(Parallel),
}

impl Stretches {
    /// Continues with `body`, which contains the stretch `first`, up to `end`. If several connections are needed,
    /// their pieces have the size of `first`.
    pub(super) fn start(
        client: &Client,
        origin: Arc<Origin>,
        share: Share,
        first: Range<u64>,
        end: u64,
        (body, round_trip): (Body, Duration),
    ) -> Self {
        let mut stream = Stream::new(client.clone(), Arc::clone(&origin), share, first.clone());
        stream.go_on_with(body);
        let bytes = first.end - first.start;
        Self {
            client: client.clone(),
            origin,
            way: Some(Way::One(stream)),
            stretch: first,
            end,
            stretch_bytes: bytes,
            waited: Duration::ZERO,
            round_trip,
            span: Span::default(),
            is_slow: false,
            piece_bytes: bytes,
        }
    }

    /// Requests the first bytes of a blob. The answer shows if the registry supports ranges, and how long a round trip
    /// takes.
    pub(super) fn ask(client: &Client, origin: &Origin, range: &Range<u64>) -> Result<(Body, Duration), Error> {
        let begun = Instant::now();
        let asking = retrying(origin.tries(), async || origin.get(range.clone()).await);
        Ok((client.wait(asking)?, begun.elapsed()))
    }

    /// Continues with the next stretch over one connection, if the last was fast, or else over several.
    fn go_on(&mut self, mut stream: Stream) -> Result<Way, Error> {
        let (reached, end) = (self.stretch.end, self.end);
        if self.is_quick() {
            self.stretch_bytes = next_bytes(self.stretch_bytes, self.waited, self.round_trip());
            self.stretch = reached..end.min(reached + self.stretch_bytes);
            (self.waited, self.span) = (Duration::ZERO, Span::default());
            let begun = Instant::now();
            stream.turn_to(self.stretch.clone())?;
            self.round_trip = begun.elapsed();
            return Ok(Way::One(stream));
        }
        let first_connections = self.first_connections();
        let (origin, share) = (Arc::clone(&self.origin), stream.into_share());
        let first = reached..end.min(reached + self.piece_bytes);
        let (body, _) = Self::ask(&self.client, &origin, &first)?;
        let share = (share, first_connections);
        Ok(Way::Several(Parallel::start(&self.client, origin, share, reached..end, (body, self.piece_bytes))))
    }

    /// The number of connections to continue with: where a piece takes less time than its round trip, a connection is
    /// idle most of the time, and as many as possible are needed.
    fn first_connections(&self) -> usize {
        let piece_takes = self.waited.mul_f64(ratio(self.piece_bytes, self.stretch_bytes));
        if piece_takes < self.round_trip() { usize::MAX } else { FIRST_CONNECTIONS }
    }

    /// The last round trip; zero if it was short.
    fn round_trip(&self) -> Duration {
        if self.round_trip < self.client.settings.long_round_trip { Duration::ZERO } else { self.round_trip }
    }

    /// Counts bytes for which the reader waited, and ends the stretch at the byte that was reached if the connection
    /// has become slow and much of the stretch is missing.
    fn judge(&mut self, bytes: u64, waited: Duration) {
        self.waited += waited;
        self.span.waited += waited;
        self.span.bytes += bytes;
        if self.span.waited < SPAN {
            return;
        }
        let Span { waited, bytes } = std::mem::take(&mut self.span);
        let missing = self.stretch.end - self.stretch.start;
        let missing_seconds = waited.as_secs_f64() * ratio(missing, bytes);
        if !self.is_quick_at(bytes, waited) && missing_seconds > WORTH_SECONDS {
            self.is_slow = true;
            self.stretch_bytes -= missing;
            self.stretch.end = self.stretch.start;
        }
    }

    /// The part of `chunk` that belongs to the stretch: a registry may stop honouring ranges, and send what follows
    /// too.
    fn take(&mut self, mut chunk: Bytes) -> Bytes {
        let room = self.stretch.end - self.stretch.start;
        if self.stretch.end < self.origin.descriptor.size {
            chunk.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        }
        self.stretch.start += chunk.len() as u64;
        chunk
    }

    /// Returns true if one connection is enough. It is if the reader never waits, whatever the connection could
    /// transfer.
    fn is_quick(&self) -> bool {
        !self.is_slow && self.is_quick_at(self.stretch_bytes, self.waited)
    }

    fn is_quick_at(&self, bytes: u64, waited: Duration) -> bool {
        ratio(bytes, self.client.settings.quick_bytes_per_second) >= waited.as_secs_f64()
    }
}

/// The length of the stretch after one of `bytes` for which the reader waited: twice as long, or as long as necessary
/// so that its round trip takes only a small share of the time.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length need not be exact")]
fn next_bytes(bytes: u64, waited: Duration, round_trip: Duration) -> u64 {
    let round_trips = round_trip.as_secs_f64() / waited.as_secs_f64().max(1e-6);
    let covering = (round_trips / ROUND_TRIP_SHARE * ratio(bytes, 1)) as u64;
    (bytes * 2).max(covering).min(LONGEST_BYTES)
}

#[allow(clippy::cast_precision_loss, reason = "a rate need not be exact")]
fn ratio(one: u64, other: u64) -> f64 {
    one as f64 / (other as f64).max(1e-6)
}

impl Chunks for Stretches {
    fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.way.take() {
                None => return Ok(None),
                Some(Way::Several(mut parallel)) => {
                    let chunk = parallel.next();
                    self.way = Some(Way::Several(parallel));
                    return chunk;
                }
                Some(Way::One(mut stream)) if !self.stretch.is_empty() => {
                    let begun = Instant::now();
                    let chunk = stream.next()?;
                    let waited = begun.elapsed();
                    self.way = Some(Way::One(stream));
                    let chunk = chunk.map(|chunk| self.take(chunk));
                    self.judge(chunk.as_ref().map_or(0, |chunk| chunk.len() as u64), waited);
                    return Ok(chunk);
                }
                Some(Way::One(_)) if self.stretch.end == self.end => return Ok(None),
                Some(Way::One(stream)) => self.way = Some(self.go_on(stream)?),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_double_unless_the_round_trip_is_long_beside_them() {
        const MIB: u64 = 1024 * 1024;
        let milliseconds = Duration::from_millis;
        for (waited, round_trip, expected) in [
            (10, 0, 4 * MIB),
            (10, 1, 4 * MIB),
            (10, 5, 16 * MIB),
            (10, 80, LONGEST_BYTES),
            (1000, 80, 4 * MIB),
            // The bytes were there before the reader asked.
            (0, 80, LONGEST_BYTES),
            (0, 0, 4 * MIB),
        ] {
            let found = next_bytes(2 * MIB, milliseconds(waited), milliseconds(round_trip));
            assert_eq!(found, expected, "{waited} {round_trip}");
        }
    }
}
