//! A session of the protocol for uploads: where it is, how far it is, and what its answers say of that.

use reqwest::header::{HeaderMap, HeaderName, LOCATION, RANGE};
use reqwest::{Response, Url};

use super::form::{UploadForm, UploadRequirements};
use crate::registry::client::Client;
use crate::registry::error::Error;
use crate::registry::http::{Call, host_and_port, locate};

/// What a registry calls an upload under way.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) location: Url,
    /// How many bytes the registry has for certain.
    pub(super) acknowledged: u64,
    /// The smallest part that it takes (distribution-spec 1.1, "Pushing a blob in chunks").
    pub(crate) smallest_part: u64,
    pub(super) needs: UploadRequirements,
}

pub(crate) enum State {
    Open(Session),
    /// The blob is there.
    Done,
}

impl Session {
    /// The session at `location`, as an answer with `headers` opened it or told of it.
    pub(super) fn new(client: &Client, location: Url, headers: &HeaderMap, chosen: Option<UploadForm>) -> Self {
        let smallest_part = number(headers, "oci-chunk-min-length").unwrap_or_default();
        let needs = client.needs_of(&host_and_port(&location), chosen);
        Self { location, acknowledged: 0, smallest_part, needs }
    }
}

/// How far a `Range: 0-<last>` says that the upload is, if that is further than `start` and not beyond `end`.
///
/// Amazon's registry keeps the range of the first part (aws/containers-roadmap#2831), so only growth is believed. And
/// docker's registry says `0-0` for nothing as well as for one byte.
pub(crate) fn acknowledged(headers: &HeaderMap, start: u64, end: u64) -> Option<u64> {
    let range = headers.get(RANGE)?.to_str().ok()?;
    let last: u64 = range.trim_start_matches("bytes=").strip_prefix("0-")?.trim().parse().ok()?;
    let reached = last.checked_add(1)?;
    (last > 0 && reached > start && reached <= end).then_some(reached)
}

/// Where the answer says that the upload goes on.
pub(crate) fn location(call: &Call, response: &Response) -> Result<Option<Url>, Error> {
    let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
    let location = location.to_str().map_err(|_| "it gives a location that is no URL");
    let located = location.and_then(|location| locate(response.url(), location));
    located.map(Some).map_err(|problem| Error::Protocol {
        attempt: call.attempt.clone(),
        problem: format!("`{}` says where to send it, but {problem}", call.access.endpoint.name),
    })
}

fn number(headers: &HeaderMap, name: &'static str) -> Option<u64> {
    headers.get(HeaderName::from_static(name))?.to_str().ok()?.parse().ok()
}
