//! Small bodies that are read into memory: up to a size limit, and only while the server keeps sending.

use std::time::Duration;

use reqwest::Response;

use super::transport::{failure, silent};
use crate::registry::error::Error;

/// Reads the body of `response`, if it has at most `limit` bytes.
pub(crate) async fn read_capped(
    mut response: Response,
    limit: u64,
    attempt: &str,
    silence: Duration,
) -> Result<Vec<u8>, Error> {
    let (mut body, url) = (Vec::new(), response.url().clone());
    loop {
        let Ok(result) = tokio::time::timeout(silence, response.chunk()).await else {
            return Err(silent(attempt, silence));
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
