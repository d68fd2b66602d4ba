//! The policy for repeating failed requests: exponential backoff with jitter, or the pause that the registry
//! requests; and limits.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use tracing::debug;

use super::waits::Waits;
use crate::registry::error::Error;

/// The limits and pauses for repeating a request.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// The number of attempts to connect to a host that has not answered yet, at least one: its name may be wrong, and
    /// the network may be missing. Only `give_up_after` limits all other failures, and requests for a blob.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles from there.
    pub base: Duration,
    /// The longest pause, unless the registry requests a longer one.
    pub max: Duration,
    /// The longest time of failures without any progress. A pause that the registry requests counts too: if it would
    /// end later, the request fails at once.
    pub give_up_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        let (milliseconds, seconds) = (Duration::from_millis, Duration::from_secs);
        Self { attempts: 6, base: milliseconds(250), max: seconds(15), give_up_after: seconds(10 * 60) }
    }
}

/// The longest pause that a registry may request. A longer one is left to the user.
const LONGEST_REQUESTED: Duration = Duration::from_secs(5 * 60);

/// The attempts of one operation.
pub(crate) struct RetryState {
    policy: RetryPolicy,
    failed: u32,
    /// The start of the first attempt since the last progress.
    begun: Instant,
    /// The time of the first failure since the last progress.
    failing_since: Option<Instant>,
    /// The times of the first and the last failure in a row because of a slow connection, each of which made progress.
    slow: Option<(Instant, Instant)>,
    waits: Option<Arc<Waits>>,
}

impl RetryState {
    /// The state for a single request: a wrong name of a registry should not make the user wait for long.
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        Self { policy, failed: 0, begun: Instant::now(), failing_since: None, slow: None, waits: None }
    }

    /// The state for the bytes of a blob, which are worth waiting for: only the time is limited.
    pub(crate) fn of_a_blob(policy: RetryPolicy) -> Self {
        Self::new(RetryPolicy { attempts: u32::MAX, ..policy })
    }

    /// The same state, which reports long pauses to `waits`.
    pub(crate) fn reporting(self, waits: &Arc<Waits>) -> Self {
        Self { waits: Some(Arc::clone(waits)), ..self }
    }

    /// Records that bytes were transferred: the next failure counts as the first again.
    pub(crate) fn note_progress(&mut self) {
        (self.failed, self.begun, self.failing_since) = (0, Instant::now(), None);
    }

    /// The policy for a request that is part of this operation: it shares the remaining time.
    pub(crate) fn policy_of_part(&self) -> RetryPolicy {
        let failing_for = self.failing_since.map_or(Duration::ZERO, |since| since.elapsed());
        RetryPolicy { give_up_after: self.policy.give_up_after.saturating_sub(failing_for), ..self.policy }
    }

    /// Returns the pause before the next attempt, or `failure` if the limits are reached.
    pub(crate) fn pause_after(&mut self, failure: Error) -> Result<Duration, Error> {
        self.pause_at(Instant::now(), failure)
    }

    fn pause_at(&mut self, now: Instant, failure: Error) -> Result<Duration, Error> {
        // A request that is part of this operation has been repeated as long as the policy allows.
        if let Error::GaveUp { attempts, seconds, source } = failure {
            let (attempts, seconds) = (attempts.saturating_add(self.failed), seconds.max(self.seconds_at(now)));
            return Err(Error::GaveUp { attempts, seconds, source });
        }
        self.failed = self.failed.saturating_add(1);
        let since = *self.failing_since.get_or_insert_with(|| start_of(&failure, now));
        let failing_for = now.saturating_duration_since(since);
        let pause = self.backoff().max(failure.retry_after().unwrap_or_default());
        let requested = failure.retry_after().unwrap_or_default();
        let is_too_late = failing_for.saturating_add(pause) > self.policy.give_up_after
            || requested > LONGEST_REQUESTED
            || self.is_slow_for_too_long(now, &failure);
        let is_unknown = failure.is_about_unknown_host() && self.policy.attempts < u32::MAX;
        if !failure.is_temporary() || is_unknown && self.failed >= self.policy.attempts || is_too_late {
            return Err(self.final_error(self.seconds_at(now), failure));
        }
        debug!(attempt = self.failed, ?pause, %failure, "trying again");
        if let Some(waits) = &self.waits {
            let remaining = (!is_unknown).then(|| self.policy.give_up_after.saturating_sub(failing_for));
            waits.report(now, pause, remaining, &failure);
        }
        Ok(pause)
    }

    /// The seconds from the start of the first attempt, or from the first failure, until `now`.
    fn seconds_at(&self, now: Instant) -> u64 {
        let begun = self.failing_since.map_or(self.begun, |since| since.min(self.begun));
        let elapsed = now.saturating_duration_since(begun);
        elapsed.saturating_add(Duration::from_millis(500)).as_secs()
    }

    /// The error for the last failure, which says how often and how long the request was repeated.
    fn final_error(&self, seconds: u64, failure: Error) -> Error {
        if self.failed < 2 || !failure.is_temporary() {
            return failure;
        }
        Error::GaveUp { attempts: self.failed, seconds, source: Box::new(failure) }
    }

    /// Returns true if one connection after the other was slow for as long as a blob may fail. A slow connection makes
    /// progress, which must not restart that time.
    fn is_slow_for_too_long(&mut self, now: Instant, failure: &Error) -> bool {
        let Error::Slow { seconds, .. } = failure else { return false };
        let span = Duration::from_secs(*seconds);
        let since = match self.slow {
            // Before this one, there was no time for a connection that was fast enough.
            Some((first, last)) if now.saturating_duration_since(last) < span * 2 => first,
            _ => now.checked_sub(span).unwrap_or(now),
        };
        self.slow = Some((since, now));
        now.saturating_duration_since(since) > self.policy.give_up_after
    }

    /// Half of the pause is fixed, the other half random, so that workers that failed together do not retry together.
    fn backoff(&self) -> Duration {
        let doublings = (self.failed - 1).min(16);
        let whole = self.policy.base.saturating_mul(1 << doublings).min(self.policy.max);
        // The keys of `RandomState` are random, and this is the only random number that the program needs.
        let percent = u32::try_from(RandomState::new().hash_one(self.failed) % 100).unwrap_or_default();
        whole / 2 + whole / 200 * percent
    }
}

/// The longest silence that counts as time of failure. A registry that was silent for longer may have been hashing a
/// large blob, and the next attempt may find it complete.
const LONGEST_COUNTED: Duration = Duration::from_secs(30);

/// The time from which `failure`, at the time `now`, counts: silence is a failure from its start.
fn start_of(failure: &Error, now: Instant) -> Instant {
    let Error::Silent { seconds, .. } = failure else { return now };
    now.checked_sub(Duration::from_secs(*seconds).min(LONGEST_COUNTED)).unwrap_or(now)
}

/// Repeats `attempt` until it succeeds, fails permanently or reaches the limits.
pub(crate) async fn retrying<T, F: Future<Output = Result<T, Error>>>(
    mut tries: RetryState,
    // Not `AsyncFnMut`, whose futures the compiler does not accept in tasks of the runtime.
    mut attempt: impl FnMut() -> F,
) -> Result<T, Error> {
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(failure) => tokio::time::sleep(tries.pause_after(failure)?).await,
        }
    }
}

/// Reads a `Retry-After` header: seconds or a date (RFC 9110, 10.2.3).
pub(super) fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(date.duration_since(now).try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(status: u16, retry_after: Option<u64>) -> Error {
        let (host, attempt) = (String::new(), String::new());
        Error::Status { host, attempt, status, retry_after: retry_after.map(Duration::from_secs), source: None }
    }

    fn policy() -> RetryPolicy {
        let seconds = Duration::from_secs;
        RetryPolicy { attempts: 4, base: seconds(2), max: seconds(5), give_up_after: seconds(900) }
    }

    #[test]
    fn only_transient_failures_are_retried() {
        for (status, again) in [(400, false), (401, false), (403, false), (404, false), (408, true), (416, false)] {
            assert_eq!(RetryState::new(policy()).pause_after(failure(status, None)).is_ok(), again, "{status}");
        }
        for (status, again) in [(429, true), (500, true), (501, false), (502, true), (503, true), (504, true)] {
            assert_eq!(RetryState::new(policy()).pause_after(failure(status, None)).is_ok(), again, "{status}");
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_then_end() {
        let (start, mut tries) = (Instant::now(), RetryState::new(policy()));
        let after = |seconds| start + Duration::from_secs(seconds);
        for whole in [2.0, 4.0, 5.0, 5.0, 5.0] {
            let pause = tries.pause_at(start, failure(500, None)).unwrap().as_secs_f64();
            assert!((whole / 2.0..=whole).contains(&pause), "{pause} of {whole}");
        }
        let last = tries.pause_at(after(899), failure(500, None)).unwrap_err();
        assert_eq!(last.to_string(), "gave up after 6 attempts in 899 s");
        assert!(matches!(last.failure(), Error::Status { status: 500, .. }) && last.is_temporary());
        tries.note_progress();
        assert!(tries.pause_at(after(899), failure(500, None)).unwrap() <= Duration::from_secs(2));
    }

    #[test]
    fn silence_counts_as_time_of_failure_from_its_start() {
        let silent = |seconds| Error::Silent { attempt: String::new(), seconds };
        let of = |seconds| RetryPolicy { give_up_after: Duration::from_secs(seconds), ..policy() };
        for (retry_for, seconds, again) in [(3, 5, false), (20, 5, true), (30, 30, false), (600, 600, true)] {
            let last = RetryState::new(of(retry_for)).pause_after(silent(seconds));
            assert_eq!(last.is_ok(), again, "{retry_for} {seconds}");
        }
        let (now, mut tries) = (Instant::now(), RetryState::new(of(8)));
        tries.pause_at(now + Duration::from_secs(5), silent(5)).unwrap();
        let last = tries.pause_at(now + Duration::from_secs(11), silent(5)).unwrap_err();
        assert_eq!(last.to_string(), "gave up after 2 attempts in 11 s");
    }

    fn unreachable(is_known: bool) -> Error {
        let source = crate::registry::error::Cause::of(&std::io::Error::other("refused"));
        Error::Unreachable { host: String::new(), is_known, proxy: None, source }
    }

    #[test]
    fn a_host_that_never_answered_has_a_few_attempts() {
        let attempts = |mut tries: RetryState, is_known| {
            (0..100).position(|_| tries.pause_after(unreachable(is_known)).is_err()).map(|position| position + 1)
        };
        assert_eq!(attempts(RetryState::new(policy()), false), Some(4));
        assert_eq!(attempts(RetryState::new(policy()), true), None);
        assert_eq!(attempts(RetryState::of_a_blob(policy()), false), None);
    }

    #[test]
    fn a_part_shares_the_time_of_its_operation() {
        let now = Instant::now();
        let Some(earlier) = now.checked_sub(Duration::from_secs(800)) else { return };
        let mut tries = RetryState::of_a_blob(policy());
        tries.pause_at(earlier, failure(503, None)).unwrap();
        let left = tries.policy_of_part().give_up_after;
        assert!(left <= Duration::from_secs(100), "{left:?}");
        let part = Error::GaveUp { attempts: 3, seconds: 100, source: Box::new(failure(503, None)) };
        let last = tries.pause_at(earlier + Duration::from_secs(900), part).unwrap_err();
        assert_eq!(last.to_string(), "gave up after 4 attempts in 900 s");
    }

    #[test]
    fn a_registry_may_ask_for_a_longer_pause_but_not_for_ever() {
        let pause = RetryState::new(policy()).pause_after(failure(429, Some(60))).unwrap();
        assert_eq!(pause, Duration::from_secs(60));
        assert!(RetryState::new(policy()).pause_after(failure(429, Some(301))).is_err());
        let error = RetryState::new(policy()).pause_after(failure(429, Some(3600))).unwrap_err();
        assert!(error.to_string().ends_with("answered 429 and asks to wait 3600 s"), "{error}");
    }

    #[test]
    fn a_blob_may_fail_for_a_time_which_progress_restarts() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut tries = RetryState::of_a_blob(policy());
        for second in 0..895 {
            assert!(tries.pause_at(after(second), failure(503, None)).is_ok(), "{second}");
        }
        assert!(tries.pause_at(after(899), failure(503, None)).is_err());
        tries.note_progress();
        assert!(tries.pause_at(after(899), failure(503, None)).is_ok());
        // A pause that the registry requests must end within the time.
        assert_eq!(tries.pause_at(after(1699), failure(429, Some(100))).unwrap().as_secs(), 100);
        assert!(tries.pause_at(after(1699), failure(429, Some(101))).is_err());
    }

    #[test]
    fn slow_connections_in_a_row_count_as_one_failure() {
        let slow = || Error::Slow { attempt: String::new(), seconds: 60 };
        let start = Instant::now();
        let mut tries = RetryState::of_a_blob(policy());
        let mut ends = Vec::new();
        for minute in 1..=20 {
            ends.push(tries.pause_at(start + Duration::from_secs(61 * minute), slow()).is_err());
            tries.note_progress();
        }
        assert_eq!(ends.iter().position(|end| *end), Some(14), "after 15 minutes");
        let mut tries = RetryState::of_a_blob(policy());
        for quarter in 1..=20 {
            assert!(tries.pause_at(start + Duration::from_secs(900 * quarter), slow()).is_ok());
            tries.note_progress();
        }
    }

    #[test]
    fn long_pauses_are_reported_once_at_a_time() {
        use crate::progress::{Notifier, Warning};
        let reports = Arc::new(std::sync::Mutex::new(Vec::new()));
        let receiver = Arc::clone(&reports);
        let waits = Arc::new(Waits::new(Notifier::new(move |warning| {
            let Warning::WaitingForRegistry { seconds, remaining_seconds, reason } = warning else {
                panic!("{warning:?}")
            };
            assert!(reason.contains("answered 429"), "{reason}");
            receiver.lock().unwrap().push((*seconds, *remaining_seconds));
        })));
        let now = Instant::now();
        for (after, pause) in [(0, 1), (0, 60), (1, 30), (59, 10), (61, 20), (82, 5), (91, 5)] {
            let mut tries = RetryState::of_a_blob(RetryPolicy { base: Duration::ZERO, ..policy() }).reporting(&waits);
            tries.pause_at(now + Duration::from_secs(after), failure(429, Some(pause))).unwrap();
        }
        assert_eq!(*reports.lock().unwrap(), [(60, Some(900)), (20, Some(900)), (5, Some(900))]);
    }

    #[test]
    fn a_retry_time_of_zero_means_one_attempt() {
        let policy = RetryPolicy { give_up_after: Duration::ZERO, ..policy() };
        assert!(RetryState::of_a_blob(policy).pause_after(failure(500, None)).is_err());
        assert!(RetryState::new(policy).pause_after(failure(500, None)).is_err());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        for (text, expected) in [
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(parse_retry_after(text, now), expected.map(Duration::from_secs), "{text}");
        }
    }
}
