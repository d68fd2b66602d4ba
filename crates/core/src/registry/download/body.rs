//! The body of an answer, starting at the requested byte.

use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use reqwest::Response;

use crate::registry::error::Error;
use crate::registry::http::{failure, silent};
use crate::registry::settings::Timeouts;

pub(super) struct Body {
    response: Response,
    /// Set if the registry honoured the range; otherwise it sends everything.
    pub(super) is_partial: bool,
    /// The number of bytes to skip before the requested ones.
    unwanted: u64,
    timeouts: Timeouts,
    pace: Pace,
    attempt: String,
}

/// The throughput of a connection in the current span. Only the time that is spent waiting for bytes counts.
#[derive(Default)]
struct Pace {
    waited: Duration,
    bytes: u64,
}

/// The lowest average throughput of a connection. A slower one is closed, and the blob continues over another.
const SLOWEST_BYTES_PER_SECOND: u64 = 1024;

impl Body {
    pub(super) fn new(response: Response, unwanted: u64, timeouts: Timeouts, attempt: &str) -> Self {
        let is_partial = response.status() == reqwest::StatusCode::PARTIAL_CONTENT;
        Self { response, is_partial, unwanted, timeouts, pace: Pace::default(), attempt: attempt.to_owned() }
    }

    /// Returns the next bytes, or `None` at the end. They are empty while others are skipped.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let begun = Instant::now();
        let received = tokio::time::timeout(self.timeouts.silence, self.response.chunk()).await;
        match received {
            Ok(Ok(None)) => Ok(None),
            Ok(Ok(Some(mut bytes))) => {
                if self.pace.is_too_slow(begun.elapsed(), bytes.len() as u64, self.timeouts.slow) {
                    let (attempt, seconds) = (self.attempt.clone(), self.timeouts.slow.as_secs());
                    return Err(Error::Slow { attempt, seconds });
                }
                let cut = usize::try_from(self.unwanted).map_or(bytes.len(), |unwanted| unwanted.min(bytes.len()));
                bytes.advance(cut);
                self.unwanted -= cut as u64;
                Ok(Some(bytes))
            }
            Ok(Err(error)) => Err(failure(&error, self.response.url(), &self.attempt)),
            Err(_) => Err(silent(&self.attempt, self.timeouts.silence)),
        }
    }
}

impl Pace {
    /// Adds `bytes`, for which the connection was waited for as long as `waited`. Returns true at the end of a span of
    /// the length `span` in which too few arrived.
    #[allow(clippy::cast_precision_loss, reason = "a rate need not be exact")]
    fn is_too_slow(&mut self, waited: Duration, bytes: u64, span: Duration) -> bool {
        self.waited += waited;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.waited < span {
            return false;
        }
        let expected = self.waited.as_secs_f64() * SLOWEST_BYTES_PER_SECOND as f64;
        let ended = std::mem::take(self);
        (ended.bytes as f64) < expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_too_slow_below_one_kibibyte_a_second() {
        let (second, span) = (Duration::from_secs(1), Duration::from_secs(60));
        for (bytes_per_second, is_slow) in [(1, true), (1000, true), (1024, false), (100_000, false)] {
            let mut pace = Pace::default();
            let ends: Vec<_> = (0..120).map(|_| pace.is_too_slow(second, bytes_per_second, span)).collect();
            assert_eq!((ends[59], ends[119]), (is_slow, is_slow), "{bytes_per_second}");
            assert_eq!(ends.iter().filter(|end| **end).count(), if is_slow { 2 } else { 0 });
        }
        // A reader that is slow itself does not make the connection slow.
        assert!(!Pace::default().is_too_slow(Duration::ZERO, 1, span));
    }
}
