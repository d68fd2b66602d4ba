//! The source of the bytes of a blob: requests for ranges of it, and the check that the answers match.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::{CONTENT_RANGE, HeaderValue, RANGE};
use reqwest::{Response, StatusCode, Url};

use super::body::Body;
use crate::digest::Mismatch;
use crate::oci::Descriptor;
use crate::registry::error::Error;
use crate::registry::http::{Call, Exchange, RetryState, request};
use crate::registry::repository::content_length;

/// A blob that can be requested. It holds no runtime, as it is shared with the tasks of the runtime.
pub(super) struct Origin {
    pub(super) exchange: Arc<Exchange>,
    pub(super) descriptor: Descriptor,
    call: Call,
    /// The last target of a redirect. Such a URL contains a signature, which expires after some time.
    place: Mutex<Option<Url>>,
}

impl Origin {
    pub(super) fn new(exchange: Arc<Exchange>, call: Call, descriptor: Descriptor) -> Self {
        Self { exchange, descriptor, call, place: Mutex::default() }
    }

    /// Sends one request for `range`: to the last target of a redirect, or to the registry.
    pub(super) async fn get(&self, range: Range<u64>) -> Result<Body, Error> {
        let call = self.ranged(&range);
        if let Some(response) = self.ask_known_place(&call).await? {
            return self.body(response, &range);
        }
        let response = self.ask_registry(&call).await?;
        if !call.access.endpoint.owns(response.url()) {
            self.remember(Some(response.url().clone()));
        }
        self.body(response, &range)
    }

    /// Sends a request for `range` to the registry itself, without a `Range` header if that is everything.
    pub(super) async fn get_rest(&self, range: Range<u64>) -> Result<Body, Error> {
        let call = if range == (0..self.descriptor.size) { self.call.clone() } else { self.ranged(&range) };
        self.body(self.ask_registry(&call).await?, &range)
    }

    /// Sends `call` to the registry, and once more for everything if it refuses the range: a cache in front of it may
    /// refuse all ranges. The bytes before the range are skipped then.
    async fn ask_registry(&self, call: &Call) -> Result<Response, Error> {
        match self.exchange.send_once(call).await {
            Err(Error::Status { status: 416, .. }) => self.exchange.send_once(&self.call).await,
            answered => answered,
        }
    }

    /// The attempts to download a part of the blob.
    pub(super) fn tries(&self) -> RetryState {
        RetryState::of_a_blob(self.call.retry).reporting(self.exchange.transport.waits())
    }

    /// The error for an answer that ended at the byte `received`.
    pub(super) fn truncated(&self, received: u64) -> Error {
        Error::Truncated { attempt: self.call.attempt.clone(), received, expected: self.descriptor.size }
    }

    fn ranged(&self, range: &Range<u64>) -> Call {
        let mut call = self.call.clone();
        // A closed range: every registry and object store accepts that form.
        let text = format!("bytes={}-{}", range.start, range.end - 1);
        call.headers.insert(RANGE, HeaderValue::try_from(text).expect("digits are fit for a header"));
        call
    }

    /// Sends `call` to the last target of a redirect. Returns `None` if there is none, or if it refuses, as it does
    /// when its URL has expired: the registry knows a new one.
    async fn ask_known_place(&self, call: &Call) -> Result<Option<Response>, Error> {
        let Some(url) = self.place.lock().unwrap_or_else(PoisonError::into_inner).clone() else { return Ok(None) };
        let asked = request(call, &url, None, None);
        let answered = self.exchange.transport.execute(asked, &call.attempt, self.exchange.timeouts.silence).await;
        match answered {
            Ok(response) if response.status().is_success() => Ok(Some(response)),
            refused => {
                self.remember(None);
                refused.map(|_| None)
            }
        }
    }

    fn remember(&self, place: Option<Url>) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    fn body(&self, response: Response, range: &Range<u64>) -> Result<Body, Error> {
        let unwanted = self.check_head(&response, range.start)?;
        Ok(Body::new(response, unwanted, self.exchange.timeouts, &self.call.attempt))
    }

    /// Returns the number of bytes before the requested ones. An answer about a blob of another size is refused at
    /// once.
    fn check_head(&self, response: &Response, offset: u64) -> Result<u64, Error> {
        let (start, size) = if response.status() == StatusCode::PARTIAL_CONTENT {
            self.partial(response.headers().get(CONTENT_RANGE), offset)?
        } else {
            (0, content_length(response.headers()))
        };
        let (digest, expected) = (self.descriptor.digest, self.descriptor.size);
        match size {
            Some(found) if found < expected => Err(Mismatch::TooShort { digest, expected, found }.into()),
            Some(found) if found > expected => Err(Mismatch::TooLong { digest, expected }.into()),
            _ => Ok(offset - start),
        }
    }

    /// Returns the start of the bytes, and the size of the blob, which is unknown if it is `*` (RFC 9110, 14.4).
    fn partial(&self, header: Option<&HeaderValue>, offset: u64) -> Result<(u64, Option<u64>), Error> {
        let text = header.and_then(|value| value.to_str().ok()).unwrap_or("none");
        let parsed = text.strip_prefix("bytes ").and_then(|range| {
            let (range, size) = range.split_once('/')?;
            Some((range.split_once('-')?.0.parse().ok()?, size.parse().ok()))
        });
        match parsed {
            Some((start, size)) if start == offset => Ok((start, size)),
            _ => Err(Error::Protocol {
                attempt: self.call.attempt.clone(),
                problem: format!("bytes from {offset} were requested, but the answer contains `{text}`"),
            }),
        }
    }
}
