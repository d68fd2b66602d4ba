//! An upload session of the protocol: its location, its progress, and the headers that report them.

use reqwest::header::{HeaderMap, HeaderName, LOCATION, RANGE};
use reqwest::{Response, Url};

use super::form::{UploadForm, UploadRequirements};
use crate::registry::client::Client;
use crate::registry::error::Error;
use crate::registry::http::{Call, host_and_port, locate};

/// An upload session on a registry.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) location: Url,
    /// The number of bytes that the registry has confirmed.
    pub(super) acknowledged: u64,
    /// The size of the smallest part that the registry accepts (distribution-spec 1.1, "Pushing a blob in chunks").
    pub(crate) smallest_part: u64,
    pub(super) needs: UploadRequirements,
}

pub(crate) enum State {
    Open(Session),
    /// The registry has the blob.
    Done,
}

impl Session {
    /// The session at `location`, which an answer with `headers` opened or reported.
    pub(super) fn new(client: &Client, location: Url, headers: &HeaderMap, chosen: Option<UploadForm>) -> Self {
        let smallest_part = number(headers, "oci-chunk-min-length").unwrap_or_default();
        let needs = client.needs_of(&host_and_port(&location), chosen);
        Self { location, acknowledged: 0, smallest_part, needs }
    }
}

/// The progress of an upload from a `Range: 0-<last>` header, if it is further than `start` and not beyond `end`.
///
/// Amazon's registry keeps the range of the first part (aws/containers-roadmap#2831), so only growth is trusted.
/// Docker's registry sends `0-0` for no byte as well as for one.
pub(crate) fn acknowledged(headers: &HeaderMap, start: u64, end: u64) -> Option<u64> {
    let range = headers.get(RANGE)?.to_str().ok()?;
    let last: u64 = range.trim_start_matches("bytes=").strip_prefix("0-")?.trim().parse().ok()?;
    let reached = last.checked_add(1)?;
    (last > 0 && reached > start && reached <= end).then_some(reached)
}

/// The location at which the upload continues, if the answer contains one.
pub(crate) fn location(call: &Call, response: &Response) -> Result<Option<Url>, Error> {
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let location = location.to_str().map_err(|_| "its location is not a URL");
    let located = location.and_then(|location| locate(response.url(), location));
    located.map(Some).map_err(|problem| Error::Protocol {
        attempt: call.attempt.clone(),
        problem: format!("`{}` names an upload location, but {problem}", call.access.endpoint.name),
    })
}

fn number(headers: &HeaderMap, name: &'static str) -> Option<u64> {
    headers.get(HeaderName::from_static(name))?.to_str().ok()?.parse().ok()
}
