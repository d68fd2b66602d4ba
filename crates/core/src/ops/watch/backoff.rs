//! Pauses that grow with the number of failures in a row.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// The failures of one registry or receiver in a row.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    /// The time from which the next attempt may be made.
    pub(super) next: Instant,
}

/// The longest pause that a server may ask for.
const LONGEST_REQUESTED: Duration = Duration::from_secs(60 * 60);

impl Backoff {
    pub(super) fn new() -> Self {
        Self { failures: 0, next: Instant::now() }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.next <= now
    }

    /// Records a success. Returns true if it is the first one after failures.
    pub(super) fn succeed(&mut self, next: Instant) -> bool {
        self.next = next;
        std::mem::take(&mut self.failures) > 0
    }

    /// Records a failure, and doubles the pause, which begins with `first` and is at most `longest`, unless the server
    /// asks for a longer one. Returns the pause if it is the first failure in a row.
    pub(super) fn fail(&mut self, first: Duration, longest: Duration, requested: Option<Duration>) -> Option<Duration> {
        let whole = first.saturating_mul(1 << self.failures.min(16)).min(longest);
        let pause = whole.max(requested.unwrap_or_default().min(LONGEST_REQUESTED));
        self.failures = self.failures.saturating_add(1);
        self.next = Instant::now() + pause;
        (self.failures == 1).then_some(pause)
    }

    /// Makes the pause up to a quarter shorter, so that clients that failed together do not come back together.
    pub(super) fn scatter(&mut self) {
        let left = self.next.saturating_duration_since(Instant::now());
        // The keys of `RandomState` are random.
        let percent = u32::try_from(RandomState::new().hash_one(self.failures) % 25).unwrap_or_default();
        self.next -= left / 100 * percent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_the_first_failure_is_reported() {
        let (mut backoff, seconds) = (Backoff::new(), Duration::from_secs);
        let pause = |backoff: &Backoff| backoff.next.saturating_duration_since(Instant::now()).as_secs_f64();
        assert_eq!(backoff.fail(seconds(10), seconds(35), None), Some(seconds(10)));
        for expected in [20.0, 35.0, 35.0] {
            assert_eq!(backoff.fail(seconds(10), seconds(35), None), None);
            assert!((expected - pause(&backoff)).abs() < 1.0, "{expected} {backoff:?}");
        }
        assert_eq!(backoff.fail(seconds(10), seconds(35), Some(seconds(90))), None);
        backoff.scatter();
        assert!((67.0..=90.0).contains(&pause(&backoff)), "{backoff:?}");
        assert!(backoff.succeed(Instant::now()) && !backoff.succeed(Instant::now()));
        assert_eq!(backoff.fail(seconds(1), seconds(35), Some(seconds(100_000))), Some(LONGEST_REQUESTED));
    }
}
