//! The body of an answer, starting at the requested byte.

use std::time::Duration;

use bytes::{Buf, Bytes};
use reqwest::Response;

use crate::registry::error::Error;
use crate::registry::http::{failure, silent};

pub(super) struct Body {
    response: Response,
    /// Set if the registry honoured the range; otherwise it sends everything.
    pub(super) is_partial: bool,
    /// The number of bytes to skip before the requested ones.
    unwanted: u64,
    silence: Duration,
    attempt: String,
}

impl Body {
    pub(super) fn new(response: Response, unwanted: u64, silence: Duration, attempt: &str) -> Self {
        let is_partial = response.status() == reqwest::StatusCode::PARTIAL_CONTENT;
        Self { response, is_partial, unwanted, silence, attempt: attempt.to_owned() }
    }

    /// Returns the next bytes, or `None` at the end. They are empty while others are skipped.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match tokio::time::timeout(self.silence, self.response.chunk()).await {
            Ok(Ok(None)) => Ok(None),
            Ok(Ok(Some(mut bytes))) => {
                let cut = usize::try_from(self.unwanted).map_or(bytes.len(), |unwanted| unwanted.min(bytes.len()));
                bytes.advance(cut);
                self.unwanted -= cut as u64;
                Ok(Some(bytes))
            }
            Ok(Err(error)) => Err(failure(&error, self.response.url(), &self.attempt)),
            Err(_) => Err(silent(&self.attempt, self.silence)),
        }
    }
}
