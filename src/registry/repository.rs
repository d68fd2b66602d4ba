//! One repository of a registry as a source and a target of content.

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use tracing::{debug, warn};

use super::auth::{Access, Rights};
use super::download::RemoteBlob;
use super::exchange::Call;
use super::upload::Upload;
use super::upload_form::needs_of;
use super::{Client, Error};
use crate::digest::{Digest, Mismatch};
use crate::oci::{Arrival, Content, ContentError, Descriptor, MANIFEST_SIZE_LIMIT, MediaType, Source, Tag, Target};

/// The manifests that can be read, as an `Accept` header.
const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// The rights that requests need (distribution's token specification, "Resource Actions").
pub(super) const PULL: &str = "pull";
pub(super) const PUSH: &str = "pull,push";
const DELETE: &str = "delete";

/// How many repositories are asked whether they can give a blob: asking costs, and one in many will do.
const ORIGINS_LIMIT: usize = 4;

/// A repository. Cloning is cheap.
#[derive(Clone)]
pub struct Repository {
    pub(super) client: Client,
    registry: String,
    name: String,
}

impl Repository {
    pub(super) fn new(client: Client, registry: &str, name: &str) -> Self {
        Self { client, registry: registry.to_owned(), name: name.to_owned() }
    }

    pub(super) fn registry(&self) -> &str {
        &self.registry
    }

    /// Deletes a manifest: a digest takes all its tags along, a tag only goes itself, where the registry does that at all.
    pub fn delete(&self, selector: &str) -> Result<(), Error> {
        let call = self.manifest_call(Method::DELETE, selector, DELETE, "delete")?;
        self.client.runtime.block_on(self.client.exchange.send(&call)).map(drop)
    }

    /// A request about `path` below the repository; `what` is its object in messages.
    pub(super) fn call(
        &self,
        method: Method,
        path: &str,
        actions: &'static str,
        attempt: String,
        subject: String,
    ) -> Result<Call, Error> {
        let endpoint = self.client.endpoint(&self.registry)?;
        let url = endpoint.url(&format!("/v2/{}/{path}", self.name));
        let rights = Rights { repository: self.name.clone(), actions, origin: None };
        let access = Access { endpoint, rights: Some(rights) };
        let (headers, body, retry) = (HeaderMap::new(), Vec::new(), self.client.settings.retry);
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

    fn manifest_call(&self, method: Method, selector: &str, actions: &'static str, verb: &str) -> Result<Call, Error> {
        let separator = if selector.parse::<Digest>().is_ok() {
            '@'
        } else if Tag::new(selector).is_some() {
            ':'
        } else {
            // It must not become a part of a URL.
            return Err(Error::Setting(format!("`{selector}` is neither a tag nor a digest")));
        };
        let subject = format!("{self}{separator}{selector}");
        let mut call =
            self.call(method, &format!("manifests/{selector}"), actions, format!("{verb} `{subject}`"), subject)?;
        call.headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
        Ok(call)
    }

    fn try_resolve(&self, name: &str) -> Result<Descriptor, Error> {
        let head = self.manifest_call(Method::HEAD, name, PULL, "resolve")?;
        match self.client.runtime.block_on(self.client.exchange.send(&head)) {
            Ok(response) => match described(response.headers(), name) {
                Some(descriptor) => Ok(descriptor),
                None => self.resolve_by_reading(name),
            },
            Err(error @ (Error::NotFound { .. } | Error::NoCredentials { .. } | Error::Unauthorized { .. })) => {
                Err(error)
            }
            Err(error) if error.is_temporary() => Err(error),
            // HEAD is unknown here, or was refused without a word, which the answer to a GET may hold.
            Err(_) => self.resolve_by_reading(name),
        }
    }

    fn resolve_by_reading(&self, name: &str) -> Result<Descriptor, Error> {
        let call = self.manifest_call(Method::GET, name, PULL, "resolve")?;
        let (headers, body, _) =
            self.client.runtime.block_on(self.client.exchange.fetch(&call, MANIFEST_SIZE_LIMIT))?;
        let descriptor = Descriptor::of(media_type(&headers).unwrap_or(MediaType::IMAGE_MANIFEST), &body);
        match name.parse() {
            Ok(expected) if expected != descriptor.digest => {
                Err(Mismatch::Digest { expected, found: descriptor.digest }.into())
            }
            _ => Ok(descriptor),
        }
    }

    fn try_manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, Error> {
        let (digest, expected) = (descriptor.digest, descriptor.size);
        let call = self.manifest_call(Method::GET, &digest.to_string(), PULL, "read")?;
        if expected > MANIFEST_SIZE_LIMIT {
            return Err(Error::TooLarge { subject: call.subject, limit: MANIFEST_SIZE_LIMIT });
        }
        let (_, body, _) = self.client.runtime.block_on(self.client.exchange.fetch(&call, MANIFEST_SIZE_LIMIT))?;
        let found = body.len() as u64;
        if found < expected {
            return Err(Mismatch::TooShort { digest, expected, found }.into());
        }
        if found > expected {
            return Err(Mismatch::TooLong { digest, expected }.into());
        }
        match Digest::of(&body) {
            found if found != digest => Err(Mismatch::Digest { expected: digest, found }.into()),
            _ => Ok(body),
        }
    }

    /// Asks with the rights of a push, whose token this then is too.
    pub(super) fn holds(&self, descriptor: &Descriptor) -> Result<bool, Error> {
        self.holds_for(descriptor, PUSH)
    }

    fn holds_for(&self, descriptor: &Descriptor, actions: &'static str) -> Result<bool, Error> {
        let call = self.blob_call(Method::HEAD, &descriptor.digest, actions, "look for")?;
        match self.client.runtime.block_on(self.client.exchange.send(&call)) {
            // A blob of another size is a broken one. Some registries do not tell the size.
            Ok(response) => Ok(content_length(response.headers()).is_none_or(|size| size == descriptor.size)),
            Err(Error::NotFound { .. } | Error::Unsupported { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn check_ceiling(&self, descriptor: &Descriptor) -> Result<(), Error> {
        let endpoint = self.client.endpoint(&self.registry)?;
        let needs = needs_of(endpoint.host().unwrap_or_default(), self.client.settings.chunk_bytes, None);
        match needs.ceiling {
            Some(ceiling) if descriptor.size > ceiling.bytes => {
                Err(Error::OverCeiling { registry: self.registry.clone(), limit: ceiling.text })
            }
            _ => Ok(()),
        }
    }

    fn try_publish(&self, descriptor: &Descriptor, manifest: &[u8], tag: Option<&str>) -> Result<(), Error> {
        let selector = tag.map_or_else(|| descriptor.digest.to_string(), str::to_owned);
        let mut call = self.manifest_call(Method::PUT, &selector, PUSH, "publish")?;
        call.headers.remove(ACCEPT);
        let media_type = HeaderValue::from_str(descriptor.media_type.as_str());
        let unfit = |_| Error::Setting(format!("`{}` is no media type", descriptor.media_type));
        call.headers.insert(CONTENT_TYPE, media_type.map_err(unfit)?);
        call.body = manifest.to_vec();
        let response = self.client.runtime.block_on(self.client.exchange.send(&call))?;
        // Distribution-spec 1.1, "Warnings": a registry can tell that it is going to be switched off.
        for warning in response.headers().get_all("warning") {
            warn!(registry = %self.registry, warning = ?warning, "the registry warns");
        }
        Ok(())
    }
}

impl std::fmt::Display for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)
    }
}

impl Source for Repository {
    /// Believes the digest of a HEAD: what is read under it later is checked against it.
    fn resolve(&self, name: &str) -> Result<Descriptor, ContentError> {
        Ok(self.try_resolve(name)?)
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        Ok(self.try_manifest(descriptor)?)
    }

    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        Box::new(RemoteBlob::new(self.clone(), descriptor.clone()))
    }
}

impl Target for Repository {
    fn contains(&self, descriptor: &Descriptor) -> Result<bool, ContentError> {
        Ok(self.holds(descriptor)?)
    }

    fn check(&self, descriptor: &Descriptor) -> Result<(), ContentError> {
        Ok(self.check_ceiling(descriptor)?)
    }

    /// A repository that cannot be read, or not by us, cannot give anything either; that is no failure.
    fn origin_among(&self, descriptor: &Descriptor, candidates: &[String]) -> Result<Option<String>, ContentError> {
        let gives = |name: &&String| {
            let origin = Self::new(self.client.clone(), &self.registry, name);
            let answer = origin.holds_for(descriptor, PULL);
            answer.inspect_err(|refusal| debug!(%refusal, origin = %name, "nothing to mount")).unwrap_or(false)
        };
        let others = candidates.iter().filter(|name| **name != self.name);
        Ok(others.take(ORIGINS_LIMIT).find(gives).cloned())
    }

    /// The registry verifies the bytes before it confirms.
    fn put(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<(), ContentError> {
        Upload::new(self, descriptor, content).run(None)?;
        Ok(())
    }

    fn put_from(
        &self,
        descriptor: &Descriptor,
        origin: Option<&str>,
        content: &dyn Content,
    ) -> Result<Arrival, ContentError> {
        Ok(Upload::new(self, descriptor, content).run(origin)?)
    }

    fn publish(&self, descriptor: &Descriptor, manifest: &[u8], tag: Option<&str>) -> Result<(), ContentError> {
        Ok(self.try_publish(descriptor, manifest, tag)?)
    }
}

/// The descriptor that the headers of an answer give, if they give all of it and it is the one that was asked for.
fn described(headers: &HeaderMap, name: &str) -> Option<Descriptor> {
    let digest: Digest = headers.get("docker-content-digest")?.to_str().ok()?.parse().ok()?;
    let is_other = name.parse().is_ok_and(|asked: Digest| asked != digest);
    (!is_other).then_some(Descriptor::new(media_type(headers)?, digest, content_length(headers)?))
}

fn media_type(headers: &HeaderMap) -> Option<MediaType> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let name = text.split(';').next().unwrap_or_default().trim();
    Some(MediaType::from(name.to_owned()))
}

pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
