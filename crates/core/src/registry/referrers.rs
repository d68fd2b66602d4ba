//! What is about a manifest: the list that the registry keeps, or an index under a tag where it keeps none
//! (distribution-spec 1.1, "Listing Referrers", "Pushing Manifests with Subject" and "Referrers Tag Schema").

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tracing::debug;

use super::error::Error;
use super::repository::{PULL, Repository};
use crate::digest::Digest;
use crate::oci::{Descriptor, Index, MANIFEST_SIZE_LIMIT, MediaType, REFERRERS_LIMIT, Referrer};
use crate::registry::http::{Call, RetryPolicy, Then};
use crate::registry::upload::{Capability, Feature};

/// What is said about a manifest is worth less patience than the manifest.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the index under the tag is written again because another writer did not see our entry.
const ATTEMPTS: usize = 10;

/// Nobody waits longer for other writers.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The header that a registry with a list answers with to a manifest that has a subject.
const OCI_SUBJECT: &str = "oci-subject";

impl Repository {
    /// The referrers of `subject`, in the order of the registry. Two requests at most, and one more for each page.
    pub(super) fn try_referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        if self.knows_referrers()?.unwrap_or(true)
            && let Some(listed) = self.list_referrers(&subject.digest)?
        {
            return Ok(listed);
        }
        Ok(described(&self.read_referrers_tag(&subject.digest)?))
    }

    /// The request for the list of what is about `subject`.
    pub(super) fn referrers_call(&self, subject: &Digest) -> Result<Call, Error> {
        let name = format!("{self}@{subject}");
        let attempt = format!("list what refers to `{name}`");
        let mut call = self.call(Method::GET, &format!("referrers/{subject}"), PULL, attempt, name)?;
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.oci.image.index.v1+json"));
        call.retry = RetryPolicy { give_up_after: call.retry.give_up_after.min(PATIENCE), ..call.retry };
        Ok(call)
    }

    /// None if the registry has no such list, which is remembered.
    fn list_referrers(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, Error> {
        let mut listed = Vec::new();
        let mut is_list = true;
        let call = self.referrers_call(subject)?;
        let read = self.client.read_pages(&self.client.exchange, call, |headers, body| {
            is_list = is_index(headers);
            if !is_list {
                return Ok(Then::Enough);
            }
            let page = serde_json::from_slice(body).map_err(|error| format!("the answer is no index: {error}"))?;
            listed.extend(described(&page));
            Ok(if listed.len() < REFERRERS_LIMIT { Then::Next } else { Then::Enough })
        });
        match read {
            Ok(()) if is_list => {
                listed.truncate(REFERRERS_LIMIT);
                self.note_referrers(true)?;
                Ok(Some(listed))
            }
            Err(failure) if !lacks_list(&failure) => Err(failure),
            refused => {
                debug!(?refused, repository = %self, "there is no list of referrers");
                self.note_referrers(false)?;
                Ok(None)
            }
        }
    }

    /// Makes a manifest that was just published findable by its subject, if the registry does not do so itself.
    pub(super) fn enter_referrer(&self, referrer: &Referrer, answer: &HeaderMap) -> Result<(), Error> {
        if answer.contains_key(OCI_SUBJECT) { self.note_referrers(true) } else { self.enter_in_tag(referrer) }
    }

    /// A registry cannot be asked to replace an index only if it is still the one that was read, so a writer at the same moment
    /// may drop our entry: we look again after writing. One that has read before our writing and writes after our looking is not
    /// noticed, so we look when it should be done: it is as quick as we, or half as quick.
    fn enter_in_tag(&self, referrer: &Referrer) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let begun = Instant::now();
            let mut index = self.read_referrers_tag(&referrer.subject)?;
            if described(&index).iter().any(|entry| entry.digest == referrer.descriptor.digest) {
                return Ok(());
            }
            if let Some(entries) = index["manifests"].as_array_mut() {
                entries.push(json!(referrer.descriptor));
            }
            let bytes = index.to_string().into_bytes();
            let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, &bytes);
            self.try_publish(&descriptor, &bytes, Some(&Referrer::tag(&referrer.subject)))?;
            std::thread::sleep((begun.elapsed() * 2).min(LONGEST_PAUSE));
        }
        Err(Error::Protocol {
            attempt: format!("enter what refers to `{self}@{}`", referrer.subject),
            problem: format!("of {ATTEMPTS} times that it was written to the tag, it was gone each time"),
        })
    }

    /// The index under the tag, with all that others wrote to it; an empty one if there is none.
    fn read_referrers_tag(&self, subject: &Digest) -> Result<Value, Error> {
        let call = self.manifest_call(Method::GET, &Referrer::tag(subject), PULL, "read")?;
        let not_an_index = |problem| Error::Protocol { attempt: call.attempt.clone(), problem };
        let (headers, body, _) =
            match self.client.runtime.block_on(self.client.exchange.fetch(&call, MANIFEST_SIZE_LIMIT)) {
                Err(Error::NotFound { .. }) => return Ok(json!(Index::<Descriptor>::default())),
                read => read?,
            };
        let index: Value = serde_json::from_slice(&body).map_err(|error| not_an_index(error.to_string()))?;
        if !is_index(&headers) || !index["manifests"].is_array() {
            // The tag is somebody's own (distribution-spec 1.1, "Pushing Manifests with Subject", step 2).
            return Err(not_an_index("the tag is no index of referrers".to_owned()));
        }
        Ok(index)
    }

    fn knows_referrers(&self) -> Result<Option<bool>, Error> {
        let facts = self.client.capabilities.of(&self.host()?);
        Ok(facts.get(&Feature::Referrers).map(|fact| fact.is_supported))
    }

    /// That there is a list is what is expected, and only remembered in the place of the opposite.
    fn note_referrers(&self, is_supported: bool) -> Result<(), Error> {
        if self.knows_referrers()?.unwrap_or(true) != is_supported {
            self.client.capabilities.note(&self.host()?, [(Feature::Referrers, Capability::new(is_supported, None))]);
        }
        Ok(())
    }
}

/// Whether a failure means that there is no such list: 404 and 405, and what gateways answer that do not know the path.
fn lacks_list(failure: &Error) -> bool {
    match failure {
        Error::NotFound { source, .. } => source.as_ref().is_none_or(|answer| !answer.has_code("NAME_UNKNOWN")),
        Error::Unsupported { .. } => true,
        Error::Status { status, .. } => matches!(status, 400 | 406 | 410 | 415),
        _ => false,
    }
}

fn is_index(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    media_type.starts_with(MediaType::IMAGE_INDEX.as_str().as_bytes())
}

/// The entries of an index; what is no descriptor that we can read hides none of the others.
fn described(index: &Value) -> Vec<Descriptor> {
    let entries = index["manifests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = entries.iter().filter_map(|entry| serde_json::from_value(entry.clone()).ok());
    read.take(REFERRERS_LIMIT).collect()
}
