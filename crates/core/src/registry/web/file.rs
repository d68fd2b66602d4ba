//! One file on the web, of which only the address is known, read as blobs are: with retries, and in ranges.

use std::io::Read;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use reqwest::header::{CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_MATCH, RANGE};
use reqwest::{Method, StatusCode, Url};

use super::keys::Resolved;
use super::object_store::{ObjectStore, SCHEME};
use crate::digest::Digest;
use crate::oci::{Content, ContentError, Descriptor, MediaType};
use crate::registry::auth::{Access, Keys};
use crate::registry::client::Client;
use crate::registry::download::RemoteBlob;
use crate::registry::error::Error;
use crate::registry::http::{Call, Endpoint, redacted};
use crate::registry::repository::content_length;

/// A file on the web.
pub struct WebFile {
    client: Client,
    url: Url,
    /// The address without secrets.
    name: String,
}

/// The metadata of a file that a server sends before the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHead {
    /// The size in bytes.
    pub size: u64,
    /// An identifier that changes with the content, if the server has one: a strong `ETag` without its quotes (RFC
    /// 9110, 8.8.3).
    pub tag: Option<String>,
}

impl Client {
    /// The file at `address`: `https`, `http`, or `s3://BUCKET/KEY[?versionId=VERSION]`. Nothing is sent yet.
    pub fn web_file(&self, address: &str) -> Result<WebFile, Error> {
        let (url, name) = if address.starts_with(SCHEME) {
            (self.object_url(address)?, address.to_owned())
        } else {
            let url = Url::parse(address).ok().filter(is_plain).ok_or_else(|| unfit(address))?;
            let name = redacted(&url);
            (url, name)
        };
        Ok(WebFile { client: self.with_keys(Keys::Unasked(None)), url, name })
    }
}

impl Client {
    /// The signed URL of an object. The keys are searched for once.
    fn object_url(&self, address: &str) -> Result<Url, Error> {
        let store = &self.settings.object_store;
        let mut resolved = self.object_keys.lock().unwrap_or_else(PoisonError::into_inner);
        let Resolved { keys, region, endpoint } = match &*resolved {
            Some(resolved) => resolved,
            None => resolved.insert(store.keys.resolve(self, store.region.as_deref())?),
        };
        let (region, endpoint) = (region.clone(), store.endpoint.clone().or_else(|| endpoint.clone()));
        ObjectStore { endpoint, region, ..ObjectStore::default() }.url(address, keys.as_ref(), Timestamp::now())
    }
}

fn is_plain(url: &Url) -> bool {
    matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none()
}

/// An error for an invalid address. It may contain a password and is not shown as a whole.
fn unfit(address: &str) -> Error {
    let problem = match address.split_once("://") {
        Some(("https" | "http", _)) => "it is not valid, or contains a user".to_owned(),
        Some((scheme, _)) => format!("`{scheme}` is not supported"),
        None => "it has no scheme".to_owned(),
    };
    Error::Setting(format!("an address must be https://…, http://… or s3://BUCKET/KEY without a user; {problem}"))
}

impl WebFile {
    /// Requests the first byte, since a signed URL permits GET only, and not HEAD.
    pub fn look(&self) -> Result<FileHead, Error> {
        let mut call = self.call();
        call.headers.insert(RANGE, HeaderValue::from_static("bytes=0-0"));
        match self.client.send(&call) {
            Ok(response) => {
                let headers = response.headers();
                let is_partial = response.status() == StatusCode::PARTIAL_CONTENT;
                let size = if is_partial { whole_size(headers) } else { content_length(headers) };
                let problem = || "the answer does not contain the size".to_owned();
                let size = size.ok_or_else(|| Error::Protocol { attempt: call.attempt, problem: problem() })?;
                Ok(FileHead { size, tag: strong_tag(headers) })
            }
            // The file is empty and has no first byte.
            Err(Error::Status { status: 416, .. }) => Ok(FileHead { size: 0, tag: None }),
            Err(error) => Err(error),
        }
    }

    /// The content that `head` describes: reading fails if its tag has changed. The reader must verify the `digest`.
    pub fn content(&self, head: &FileHead, digest: Option<Digest>) -> impl Content + use<> {
        let mut call = self.call();
        let tag = head.tag.as_ref().and_then(|tag| HeaderValue::try_from(format!("\"{tag}\"")).ok());
        call.headers.extend(tag.map(|tag| (IF_MATCH, tag)));
        // The digest is only used in messages. While the content is unknown, the digest of its name identifies it.
        let digest = digest.unwrap_or_else(|| Digest::of(self.name.as_bytes()));
        let descriptor = Descriptor::new(MediaType::of("application/octet-stream"), digest, head.size);
        let budget = Arc::clone(self.client.budget(&Endpoint::of(&self.url).name));
        let blob = RemoteBlob::new(&self.client, budget, call, &descriptor);
        FileContent { blob, size: head.size }
    }

    fn call(&self) -> Call {
        Call {
            method: Method::GET,
            url: self.url.clone(),
            headers: HeaderMap::new(),
            body: Vec::new(),
            access: Access { endpoint: Endpoint::of(&self.url), rights: None },
            retry: self.client.settings.retry,
            attempt: "fetch it".to_owned(),
            subject: self.name.clone(),
        }
    }
}

/// Returns the number after the slash of `bytes 0-0/1234` (RFC 9110, 14.4).
fn whole_size(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.rsplit_once('/')?.1.parse().ok()
}

fn strong_tag(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(ETAG)?.to_str().ok()?.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

struct FileContent {
    blob: RemoteBlob,
    size: u64,
}

impl Content for FileContent {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        Ok(self.blob.try_open(offset..self.size)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_for_an_invalid_address_says_what_is_wrong_without_its_secrets() {
        for (address, expected) in [
            ("https://ada:hunter2@host/x", "it is not valid, or contains a user"),
            ("https://", "it is not valid, or contains a user"),
            ("ftp://ada:hunter2@host/x", "`ftp` is not supported"),
            ("oci:folder:v1", "it has no scheme"),
        ] {
            let shown = unfit(address).to_string();
            assert!(shown.ends_with(expected) && !shown.contains("hunter2"), "{shown}");
        }
    }
}
