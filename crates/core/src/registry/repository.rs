//! One repository of a registry as a source of content.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Response};
use tracing::debug;

use super::client::Client;
use super::error::Error;
use super::media_types::{media_type, type_of_manifest};
use super::mirror::Mirror;
use super::referrers::PATIENCE;
use crate::digest::{Digest, Mismatch};
use crate::limits;
use crate::oci::{Companion, Content, ContentError, Descriptor, MediaType, Source, Tag};
use crate::registry::auth::{Access, Rights};
use crate::registry::download::AnywhereBlob;
use crate::registry::http::{Call, Endpoint, RetryPolicy, canonical};

/// The media types of readable manifests, as an `Accept` header.
const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// The rights that requests need (distribution's token specification, "Resource Actions").
pub(super) const PULL: &str = "pull";
pub(super) const PUSH: &str = "pull,push";
pub(super) const DELETE: &str = "delete";

/// A repository. Cloning is cheap.
#[derive(Clone)]
pub struct Repository {
    pub(super) client: Client,
    registry: String,
    name: String,
    mirrored: Option<Mirrored>,
}

/// The data of a repository on a mirror, which is read in place of a repository of another registry.
#[derive(Clone)]
struct Mirrored {
    mirror: Mirror,
    /// The registry that the user named.
    registry: String,
}

/// The retry time on a mirror: it should save time, so a failing mirror gets little of it.
const MIRROR_PATIENCE: Duration = Duration::from_secs(5);

impl Repository {
    pub(super) fn new(client: Client, registry: &str, name: &str) -> Self {
        Self { client, registry: registry.to_owned(), name: name.to_owned(), mirrored: None }
    }

    pub(super) fn registry(&self) -> &str {
        &self.registry
    }

    /// The same repository in the mirrors of its registry that have not failed in this run.
    pub(super) fn mirrors(&self) -> impl Iterator<Item = Self> + '_ {
        let mirrors = self.client.settings.mirrors_of(&self.registry).iter().filter(|_| self.mirrored.is_none());
        mirrors.filter(|mirror| !self.client.failed_mirrors.contains(mirror)).map(|mirror| Self {
            client: self.client.clone(),
            registry: mirror.registry.clone(),
            name: mirror.repository(&self.name),
            mirrored: Some(Mirrored { mirror: mirror.clone(), registry: self.registry.clone() }),
        })
    }

    /// Gives up a failing mirror. A mirror that lacks the content has not failed: it may have other content.
    pub(super) fn note_failure(&self, failure: &Error) {
        match failure {
            Error::NotFound { .. } => debug!(%failure, "the mirror does not have it"),
            failure => self.give_up_mirror(failure),
        }
    }

    /// Stops using this mirror for the rest of this run.
    pub(super) fn give_up_mirror(&self, failure: &dyn std::fmt::Display) {
        if let Some(Mirrored { mirror, .. }) = &self.mirrored {
            self.client.failed_mirrors.insert(mirror, failure);
        }
    }

    /// Returns the first successful answer: of the mirrors in their order, then of the registry itself.
    fn ask_anywhere<T>(&self, ask: impl Fn(&Self) -> Result<T, Error>) -> Result<T, Error> {
        for mirror in self.mirrors() {
            match ask(&mirror) {
                Ok(answer) => return Ok(answer),
                Err(failure) => mirror.note_failure(&failure),
            }
        }
        ask(self)
    }

    fn endpoint(&self) -> Result<Endpoint, Error> {
        match &self.mirrored {
            Some(Mirrored { mirror, .. }) => Endpoint::new(&mirror.registry, mirror.plain_http),
            None => self.client.endpoint(&self.registry),
        }
    }

    fn retry(&self) -> RetryPolicy {
        let policy = self.client.settings.retry;
        match self.mirrored {
            Some(_) => RetryPolicy { give_up_after: policy.give_up_after.min(MIRROR_PATIENCE), ..policy },
            None => policy,
        }
    }

    /// Resolves `name` at the registry itself, bypassing its mirrors: for a caller that is about to change the
    /// registry.
    pub fn resolve_at_registry(&self, name: &str) -> Result<Descriptor, Error> {
        self.resolve_with(name, PUSH)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The host and port that requests are sent to.
    pub(super) fn host(&self) -> Result<String, Error> {
        Ok(self.endpoint()?.host_and_port())
    }

    /// Starts to open connections to the host, without waiting for them. The connection that the caller uses counts
    /// towards the limit as well.
    pub(super) fn open_connections(&self, connections: usize) {
        let limit = self.client.concurrency(&self.registry).saturating_sub(1);
        let Ok(endpoint) = self.endpoint() else { return };
        for _ in 0..connections.min(limit) {
            let (exchange, url) = (Arc::clone(&self.client.exchange), endpoint.url("/v2/"));
            self.client.tasks().spawn(async move { exchange.transport.open_ahead(url).await });
        }
    }

    /// Deletes a manifest: by digest with all its tags, by tag only the tag, if the registry supports that.
    pub fn delete(&self, selector: &str) -> Result<(), Error> {
        let call = self.manifest_call(Method::DELETE, selector, DELETE, "delete")?;
        self.client.send(&call).map(drop)
    }

    /// A request about `path` below the repository; `subject` names its object in messages.
    pub(super) fn call(
        &self,
        method: Method,
        path: &str,
        actions: &'static str,
        attempt: String,
        subject: String,
    ) -> Result<Call, Error> {
        let endpoint = self.endpoint()?;
        let mut url = endpoint.url(&format!("/v2/{}/{path}", self.name));
        if let Some(Mirrored { registry, .. }) = &self.mirrored {
            // Identifies the registry to a mirror of several ones (containerd's docs/hosts.md, since 1.5); other
            // servers ignore it.
            url.query_pairs_mut().append_pair("ns", canonical(registry));
        }
        let rights = Rights { repository: self.name.clone(), actions, origin: None };
        let access = Access { endpoint, rights: Some(rights) };
        let (headers, body, retry) = (HeaderMap::new(), Vec::new(), self.retry());
        Ok(Call { method, url, headers, body, access, retry, attempt, subject })
    }

    pub(super) fn blob_call(
        &self,
        method: Method,
        digest: &Digest,
        actions: &'static str,
        verb: &str,
    ) -> Result<Call, Error> {
        let subject = format!("{self}@{digest}");
        let attempt = format!("{verb} blob `{subject}`");
        self.call(method, &format!("blobs/{digest}"), actions, attempt, subject)
    }

    pub(super) fn manifest_call(
        &self,
        method: Method,
        selector: &str,
        actions: &'static str,
        verb: &str,
    ) -> Result<Call, Error> {
        let separator = if selector.parse::<Digest>().is_ok() {
            '@'
        } else if Tag::new(selector).is_some() {
            ':'
        } else {
            // It must not become part of a URL.
            return Err(Error::Setting(format!("`{selector}` is neither a tag nor a digest")));
        };
        let subject = format!("{self}{separator}{selector}");
        let mut call =
            self.call(method, &format!("manifests/{selector}"), actions, format!("{verb} `{subject}`"), subject)?;
        call.headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
        Ok(call)
    }

    pub(super) fn try_resolve(&self, name: &str) -> Result<Descriptor, Error> {
        self.resolve_with(name, PULL)
    }

    fn resolve_with(&self, name: &str, actions: &'static str) -> Result<Descriptor, Error> {
        let head = self.manifest_call(Method::HEAD, name, actions, "resolve")?;
        match self.client.send(&head) {
            Ok(response) => match described(response.headers(), name) {
                Some(descriptor) => Ok(descriptor),
                None => self.resolve_by_reading(name),
            },
            Err(error @ (Error::NotFound { .. } | Error::NoCredentials { .. } | Error::Unauthorized { .. })) => {
                Err(error)
            }
            Err(error) if error.is_temporary() => Err(error),
            // The registry does not support HEAD, or refused it without a message, which the answer to a GET may
            // contain.
            Err(_) => self.resolve_by_reading(name),
        }
    }

    fn resolve_by_reading(&self, name: &str) -> Result<Descriptor, Error> {
        Ok(self.try_read(name, "resolve")?.0)
    }

    fn try_read(&self, name: &str, verb: &str) -> Result<(Descriptor, Vec<u8>), Error> {
        self.fetch_manifest(name, &self.manifest_call(Method::GET, name, PULL, verb)?)
    }

    /// Reads the companion with this `tag`, and retries for as short a time as for referrers.
    pub(super) fn try_companion(&self, tag: &str, actions: &'static str) -> Result<(Descriptor, Vec<u8>), Error> {
        let mut call = self.manifest_call(Method::GET, tag, actions, "read")?;
        call.retry = RetryPolicy { give_up_after: call.retry.give_up_after.min(PATIENCE), ..call.retry };
        self.fetch_manifest(tag, &call)
    }

    fn fetch_manifest(&self, name: &str, call: &Call) -> Result<(Descriptor, Vec<u8>), Error> {
        let (headers, body, _) = self.client.fetch(call, limits::MANIFEST_BYTES)?;
        let media_type = type_of_manifest(&headers, &body)
            .map_err(|problem| Error::Protocol { attempt: call.attempt.clone(), problem })?;
        let descriptor = Descriptor::of(media_type, &body);
        match name.parse() {
            Ok(expected) if expected != descriptor.digest => {
                Err(Mismatch::Digest { expected, found: descriptor.digest }.into())
            }
            _ => Ok((descriptor, body)),
        }
    }

    pub(super) fn try_manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let (digest, expected) = (descriptor.digest, descriptor.size);
        let call = self.manifest_call(Method::GET, &digest.to_string(), PULL, "read")?;
        if expected > limits::MANIFEST_BYTES {
            return Err(Error::TooLarge { subject: call.subject, limit: limits::MANIFEST_BYTES });
        }
        let (headers, body, _) = self.client.fetch(&call, limits::MANIFEST_BYTES)?;
        let found = body.len() as u64;
        if found < expected {
            return Err(Mismatch::TooShort { digest, expected, found }.into());
        }
        if found > expected {
            return Err(Mismatch::TooLong { digest, expected }.into());
        }
        match Digest::of(&body) {
            found if found != digest => Err(Mismatch::Digest { expected: digest, found }.into()),
            _ => match type_of_manifest(&headers, &body) {
                Ok(_) => Ok(body),
                Err(problem) => Err(Error::Protocol { attempt: call.attempt, problem }),
            },
        }
    }

    /// The request that stores a manifest.
    pub(super) fn publish_call(&self, descriptor: &Descriptor, manifest: &[u8], selector: &str) -> Result<Call, Error> {
        let mut call = self.manifest_call(Method::PUT, selector, PUSH, "publish")?;
        call.headers.remove(ACCEPT);
        let media_type = HeaderValue::from_str(descriptor.media_type.as_str());
        let unfit = |_| Error::Setting(format!("`{}` is not a media type", descriptor.media_type));
        call.headers.insert(CONTENT_TYPE, media_type.map_err(unfit)?);
        call.body = manifest.to_vec();
        Ok(call)
    }

    /// Stores a manifest without listing it as a referrer, and returns the headers of the answer.
    pub(super) fn store_manifest(&self, call: &Call) -> Result<HeaderMap, Error> {
        self.stored(call, self.client.send(call))
    }

    /// The headers of the `answer` to a manifest.
    pub(super) fn stored(&self, call: &Call, answer: Result<Response, Error>) -> Result<HeaderMap, Error> {
        let response = answer.map_err(|refusal| self.explain_refusal(call, refusal))?;
        Ok(response.headers().clone())
    }
}

impl std::fmt::Display for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)
    }
}

impl Source for Repository {
    /// Trusts the digest of a HEAD: content that is read by it later is verified. A mirror's answer for a tag is
    /// trusted too, as in docker and containerd; it can be older than the registry's.
    fn resolve(&self, name: &str) -> Result<Descriptor, ContentError> {
        Ok(self.ask_anywhere(|place| place.try_resolve(name))?)
    }

    /// The digest is that of the bytes; a digest in the headers of the answer is not needed.
    fn read(&self, name: &str) -> Result<(Descriptor, Vec<u8>), ContentError> {
        Ok(self.ask_anywhere(|place| place.try_read(name, "resolve"))?)
    }

    fn open_ahead(&self, connections: usize) {
        self.mirrors().next().as_ref().unwrap_or(self).open_connections(connections);
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        Ok(self.ask_anywhere(|place| place.try_manifest(descriptor))?)
    }

    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        Box::new(AnywhereBlob::new(self.clone(), descriptor.clone()))
    }

    /// Returns the first non-empty answer, since a mirror may lack referrers that the registry has.
    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        for mirror in self.mirrors() {
            match mirror.try_referrers(subject, PULL) {
                Ok(referrers) if referrers.is_empty() => {}
                Ok(referrers) => return Ok(referrers),
                Err(failure) => mirror.note_failure(&failure),
            }
        }
        Ok(self.try_referrers(subject, PULL)?)
    }

    /// Asks the registry if a mirror does not have the companion.
    fn companions(&self, subject: &Digest, kind: Companion) -> Result<Vec<(Descriptor, Vec<u8>)>, ContentError> {
        let tag = kind.tag(subject);
        match self.ask_anywhere(|place| place.try_companion(&tag, PULL)) {
            Ok(companion) => Ok(vec![companion]),
            Err(Error::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The descriptor in the headers of an answer, if they are complete and match the requested digest.
fn described(headers: &HeaderMap, name: &str) -> Option<Descriptor> {
    let digest: Digest = headers.get("docker-content-digest")?.to_str().ok()?.parse().ok()?;
    let is_other = name.parse().is_ok_and(|asked: Digest| asked != digest);
    let media_type = media_type(headers).filter(MediaType::is_manifest)?;
    (!is_other).then_some(Descriptor::new(media_type, digest, content_length(headers)?))
}

pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
