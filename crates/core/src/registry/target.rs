//! A repository of a registry as a target of content.

use reqwest::Method;
use tracing::debug;

use super::error::Error;
use super::repository::{PULL, PUSH, Repository, content_length};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{BlobOutcome, Companion, Content, ContentError, Descriptor, Referrer, Subject, Target};
use crate::registry::upload::Upload;

/// The size up to which sending a blob that may be there costs less than asking for it first: it takes about as long as
/// a round trip.
pub(super) const SMALL_BYTES: u64 = 64 * 1024;

impl Repository {
    /// Checks for the blob with the rights of a push, so that the token serves the push too.
    pub(super) fn holds(&self, descriptor: &Descriptor) -> Result<bool, Error> {
        self.holds_for(descriptor, PUSH)
    }

    pub(super) fn try_publish(&self, descriptor: &Descriptor, manifest: &[u8], tag: Option<&str>) -> Result<(), Error> {
        let selector = tag.map_or_else(|| descriptor.digest.to_string(), str::to_owned);
        let answer = self.store_manifest(&self.publish_call(descriptor, manifest, &selector)?)?;
        match Referrer::read(descriptor, manifest) {
            Some(referrer) => self.enter_referrer(&referrer, &answer),
            None => Ok(()),
        }
    }

    fn holds_for(&self, descriptor: &Descriptor, actions: &'static str) -> Result<bool, Error> {
        let call = self.blob_call(Method::HEAD, &descriptor.digest, actions, "look for")?;
        match self.client.send(&call) {
            // A blob of another size is damaged. Some registries do not report the size.
            Ok(response) => Ok(content_length(response.headers()).is_none_or(|size| size == descriptor.size)),
            Err(Error::NotFound { .. } | Error::Unsupported { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn check_ceiling(&self, descriptor: &Descriptor) -> Result<(), Error> {
        match self.client.needs_of(&self.host()?, None).ceiling {
            Some(ceiling) if descriptor.size > ceiling.bytes => {
                Err(Error::OverCeiling { registry: self.registry().to_owned(), limit: ceiling.text })
            }
            _ => Ok(()),
        }
    }
}

impl Target for Repository {
    fn is_remote(&self) -> bool {
        true
    }

    fn open_ahead(&self, connections: usize) {
        self.open_connections(connections);
    }

    fn contains(&self, descriptor: &Descriptor) -> Result<bool, ContentError> {
        Ok(self.holds(descriptor)?)
    }

    /// A wrong answer costs only requests, so a refusal is left to the requests that follow.
    fn has_manifest(&self, descriptor: &Descriptor) -> Result<bool, ContentError> {
        let call = self.manifest_call(Method::HEAD, &descriptor.digest.to_string(), PUSH, "look for")?;
        match self.client.send(&call) {
            Ok(_) => Ok(true),
            Err(error) if error.is_temporary() => Err(error.into()),
            Err(refusal) => {
                debug!(%refusal, "the manifest is not there");
                Ok(false)
            }
        }
    }

    fn finds_on_put(&self, descriptor: &Descriptor) -> bool {
        descriptor.size <= SMALL_BYTES
    }

    fn check(&self, descriptor: &Descriptor) -> Result<(), ContentError> {
        Ok(self.check_ceiling(descriptor)?)
    }

    /// Finds a repository that has the blob. A repository that cannot be read, or not by this user, cannot be an
    /// origin; that is not a failure.
    fn origin_among(&self, descriptor: &Descriptor, candidates: &[String]) -> Result<Option<String>, ContentError> {
        let gives = |name: &&String| {
            let origin = Self::new(self.client.clone(), self.registry(), name);
            let answer = origin.holds_for(descriptor, PULL);
            answer.inspect_err(|refusal| debug!(%refusal, origin = %name, "nothing to mount")).unwrap_or(false)
        };
        let others = candidates.iter().filter(|name| *name != self.name());
        Ok(others.take(limits::ORIGINS).find(gives).cloned())
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
    ) -> Result<BlobOutcome, ContentError> {
        Ok(Upload::new(self, descriptor, content).run(origin)?)
    }

    fn attached(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        Ok(self.try_attached(subject)?)
    }

    fn companion(&self, subject: &Digest, kind: Companion) -> Result<Option<(Descriptor, Vec<u8>)>, ContentError> {
        match self.try_companion(&kind.tag(subject), PUSH) {
            Ok(companion) => Ok(Some(companion)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn publish(&self, descriptor: &Descriptor, manifest: &[u8], tag: Option<&str>) -> Result<(), ContentError> {
        Ok(self.try_publish(descriptor, manifest, tag)?)
    }

    fn publish_referrers(
        &self,
        subject: &Subject<'_>,
        referrers: &[(Descriptor, Vec<u8>)],
    ) -> Result<Vec<Result<(), ContentError>>, ContentError> {
        Ok(self.try_publish_referrers(subject, referrers)?.into_iter().map(|result| Ok(result?)).collect())
    }
}
