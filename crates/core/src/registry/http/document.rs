//! Small bodies that are read into memory: up to a size limit, only while the server keeps sending, and for a limited
//! time.

use std::time::{Duration, Instant};

use reqwest::Response;

use super::transport::{failure, silent};
use crate::registry::error::Error;
use crate::registry::settings::Timeouts;

/// Reads the body of `response`, if it has at most `limit` bytes.
pub(crate) async fn read_capped(
    mut response: Response,
    limit: u64,
    attempt: &str,
    timeouts: Timeouts,
) -> Result<Vec<u8>, Error> {
    let (mut body, url) = (Vec::new(), response.url().clone());
    let deadline = Instant::now() + timeouts.document;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(result) = tokio::time::timeout(timeouts.silence.min(left), response.chunk()).await else {
            let is_late = Instant::now() >= deadline;
            return Err(if is_late {
                unfinished(attempt, timeouts.document)
            } else {
                silent(attempt, timeouts.silence)
            });
        };
        match result {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(failure(&error, &url, attempt)),
        }
        if body.len() as u64 > limit {
            let subject = super::redact::redacted(&url);
            return Err(Error::TooLarge { subject, limit });
        }
    }
}

fn unfinished(attempt: &str, deadline: Duration) -> Error {
    Error::Unfinished { attempt: attempt.to_owned(), seconds: deadline.as_secs() }
}
