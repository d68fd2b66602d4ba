//! The digest that a tag points to, for a caller that asks again and again: one request for each look, whatever the
//! registry supports.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::Method;
use reqwest::header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use tracing::debug;

use super::error::Error;
use super::repository::{PULL, Repository};
use crate::digest::Digest;
use crate::limits;
use crate::oci::Descriptor;

/// The tags of one repository at the registry itself, bypassing its mirrors, which may be older.
pub struct TagLookup {
    repository: Repository,
    /// Set when the registry has answered a HEAD without a digest: from then on, the manifest is read, unless it has
    /// not changed.
    reads: AtomicBool,
    /// The answers to GET requests that have an `ETag`, by tag.
    known: Mutex<BTreeMap<String, (HeaderValue, Digest)>>,
}

impl Repository {
    /// Looks at the tags of this repository.
    pub fn tag_lookup(&self) -> TagLookup {
        TagLookup { repository: self.clone(), reads: AtomicBool::default(), known: Mutex::default() }
    }

    /// Lists the referrers of `subject` at the registry itself, bypassing its mirrors: one request, unless the list has
    /// several pages.
    pub fn referrers_at_registry(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        self.referrers_of(subject, PULL)
    }

    /// Reads a manifest at the registry itself, bypassing its mirrors.
    pub fn manifest_at_registry(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        self.try_manifest(descriptor)
    }
}

impl TagLookup {
    /// Returns the digest that `tag` points to, or `None` if there is no such tag.
    ///
    /// This is a HEAD request, which transfers no manifest and does not count as a pull. A registry that does not
    /// answer it with a digest gets a conditional GET request from then on.
    pub fn digest_of(&self, tag: &str) -> Result<Option<Digest>, Error> {
        let found = if self.reads.load(Ordering::Relaxed) { self.read(tag) } else { self.ask(tag) };
        match found {
            Ok(digest) => Ok(Some(digest)),
            Err(error) if matches!(error.failure(), Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn ask(&self, tag: &str) -> Result<Digest, Error> {
        let call = self.repository.manifest_call(Method::HEAD, tag, PULL, "look at")?;
        let refusal = match self.repository.client.send(&call) {
            Ok(response) => match digest_in(response.headers()) {
                Some(digest) => return Ok(digest),
                None => "the answer has no digest".to_owned(),
            },
            Err(error @ Error::Unsupported { .. }) => error.to_string(),
            Err(error) => return Err(error),
        };
        debug!(refusal, repository = %self.repository, "HEAD is not enough");
        self.reads.store(true, Ordering::Relaxed);
        self.read(tag)
    }

    fn read(&self, tag: &str) -> Result<Digest, Error> {
        let mut call = self.repository.manifest_call(Method::GET, tag, PULL, "look at")?;
        let known = self.known().get(tag).cloned();
        call.headers.extend(known.as_ref().map(|(etag, _)| (IF_NONE_MATCH, etag.clone())));
        match (self.repository.client.fetch(&call, limits::MANIFEST_BYTES), known) {
            (Err(Error::Status { status: 304, .. }), Some((_, digest))) => Ok(digest),
            (Ok((headers, body, _)), _) => {
                let digest = Digest::of(&body);
                match headers.get(ETAG) {
                    Some(etag) => self.known().insert(tag.to_owned(), (etag.clone(), digest)),
                    None => self.known().remove(tag),
                };
                Ok(digest)
            }
            (Err(error), _) => Err(error),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, (HeaderValue, Digest)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest_in(headers: &HeaderMap) -> Option<Digest> {
    headers.get("docker-content-digest")?.to_str().ok()?.parse().ok()
}
