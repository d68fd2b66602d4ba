//! Referrers of a manifest: the list of the registry, or an index under a tag if the registry has none
//! (distribution-spec 1.1, "Listing Referrers", "Pushing Manifests with Subject" and "Referrers Tag Schema").

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Method, Response, Url};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tracing::debug;

use super::error::Error;
use super::media_types::media_type;
use super::repository::{PUSH, Repository};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{Descriptor, Index, MediaType, Referrer, Subject, without_bom};
use crate::registry::http::{Call, RetryPolicy, Then};
use crate::registry::upload::{Capability, Feature};

/// The retry time for referrers and companions, which are less important than the manifest.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The number of times that the index under the tag is written because another writer dropped the entry.
const ATTEMPTS: usize = 10;

/// The longest pause for other writers.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The header of the answer to a manifest with a subject, from a registry with the referrers API.
const OCI_SUBJECT: &str = "oci-subject";

impl Repository {
    /// Lists the referrers of `subject` in the order of the registry, with two requests at most, and one more for
    /// each page. `actions` are the rights of the token, so that one serves the whole command.
    pub(super) fn try_referrers(&self, subject: &Descriptor, actions: &'static str) -> Result<Vec<Descriptor>, Error> {
        self.referrers_of(&subject.digest, actions)
    }

    /// Like [`try_referrers`](Self::try_referrers), for a subject of which only the digest is known.
    pub(super) fn referrers_of(&self, subject: &Digest, actions: &'static str) -> Result<Vec<Descriptor>, Error> {
        if self.knows_referrers()?.unwrap_or(true)
            && let Some(listed) = self.list_referrers(subject, actions)?
        {
            return Ok(listed);
        }
        Ok(described(&self.begin_index(subject, actions)?.finish(self)?))
    }

    /// Lists the referrers of `subject` that exist. A registry lists only these itself; the index under a tag may still
    /// name a manifest that was deleted.
    pub(super) fn try_attached(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        let listed = self.try_referrers(subject, PUSH)?;
        if self.knows_referrers()?.unwrap_or(true) {
            return Ok(listed);
        }
        let mut existing = Vec::new();
        for referrer in listed {
            let call = self.manifest_call(Method::HEAD, &referrer.digest.to_string(), PUSH, "look for")?;
            match self.client.send(&call) {
                Ok(_) => existing.push(referrer),
                Err(Error::NotFound { .. }) => debug!(%referrer.digest, "the listed referrer does not exist"),
                Err(error) => return Err(error),
            }
        }
        Ok(existing)
    }

    /// Removes a manifest that was deleted from the referrers of `subject`, if the registry does not do so itself.
    pub fn forget_referrer(&self, subject: &Digest, deleted: &Digest) -> Result<(), Error> {
        if self.knows_referrers()?.unwrap_or(true) && self.list_referrers(subject, PUSH)?.is_some() {
            return Ok(());
        }
        let mut index = self.begin_index(subject, PUSH)?.finish(self)?;
        let Some(list) = index["manifests"].as_array_mut() else { return Ok(()) };
        let before = list.len();
        list.retain(|entry| entry["digest"] != json!(deleted));
        if list.len() == before { Ok(()) } else { self.write_index(subject, index, &[]) }
    }

    /// The request for the list of referrers of `subject`.
    pub(super) fn referrers_call(&self, subject: &Digest, actions: &'static str) -> Result<Call, Error> {
        let name = format!("{self}@{subject}");
        let attempt = format!("list the referrers of `{name}`");
        let mut call = self.call(Method::GET, &format!("referrers/{subject}"), actions, attempt, name)?;
        call.headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.oci.image.index.v1+json"));
        call.retry = RetryPolicy { give_up_after: call.retry.give_up_after.min(PATIENCE), ..call.retry };
        Ok(call)
    }

    /// Lists referrers by the API. Returns `None` if the registry does not have it, which is remembered.
    fn list_referrers(&self, subject: &Digest, actions: &'static str) -> Result<Option<Vec<Descriptor>>, Error> {
        let mut listed = Vec::new();
        let mut is_list = true;
        let call = self.referrers_call(subject, actions)?;
        let read = self.client.read_pages(call, |headers, body| {
            is_list = is_index(headers);
            if !is_list {
                return Ok(Then::Enough);
            }
            let page = serde_json::from_slice(without_bom(body))
                .map_err(|error| format!("the answer is not an index: {error}"))?;
            listed.extend(described(&page));
            Ok(if listed.len() <= limits::REFERRERS { Then::Next } else { Then::Enough })
        });
        match read {
            Ok(()) if is_list => {
                listed.truncate(limits::REFERRERS + 1);
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

    /// Adds a manifest that was just published to the referrers of its subject, if the registry does not do so
    /// itself.
    pub(super) fn enter_referrer(&self, referrer: &Referrer, answer: &HeaderMap) -> Result<(), Error> {
        if answer.contains_key(OCI_SUBJECT) {
            return self.note_referrers(true);
        }
        self.enter_in_tag(&referrer.subject, std::slice::from_ref(&referrer.descriptor))
    }

    /// Stores referrers of `subject` at the same time, and adds those that the registry does not list itself to the
    /// index under the tag, all with one write.
    pub(super) fn try_publish_referrers(
        &self,
        subject: &Subject<'_>,
        referrers: &[(Descriptor, Vec<u8>)],
    ) -> Result<Vec<Result<(), Error>>, Error> {
        let digest = &subject.descriptor.digest;
        let index = if subject.is_new { Some(self.begin_index(digest, PUSH)?) } else { None };
        let begun: Vec<_> = referrers.iter().map(|(descriptor, bytes)| self.begin_storing(descriptor, bytes)).collect();
        let answers: Vec<_> =
            begun.into_iter().map(|begun| begun.and_then(|stored| self.finish_storing(stored))).collect();
        let is_listed = |answer: &HeaderMap| answer.contains_key(OCI_SUBJECT);
        if answers.iter().flatten().any(is_listed) {
            self.note_referrers(true)?;
        }
        let unlisted =
            answers.iter().zip(referrers).filter(|(answer, _)| answer.as_ref().is_ok_and(|it| !is_listed(it)));
        let unlisted = unlisted.filter_map(|(_, (descriptor, bytes))| Referrer::read(descriptor, bytes));
        let entries: Vec<_> = unlisted.map(|referrer| referrer.descriptor).collect();
        if !entries.is_empty() {
            // Learned once for each registry, by the way. Some have the list, but do not send the header.
            let is_unknown = self.knows_referrers()?.is_none();
            let list = if is_unknown { Some(self.begin_reading(self.referrers_call(digest, PUSH)?)) } else { None };
            match index {
                Some(index) => self.write_index(digest, index.finish(self)?, &entries)?,
                None => self.enter_in_tag(digest, &entries)?,
            }
            list.map_or(Ok(()), |list| self.learn_from(list))?;
        }
        Ok(answers.into_iter().map(|answer| answer.map(drop)).collect())
    }

    fn begin_storing(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<Storing, Error> {
        let call = self.publish_call(descriptor, bytes, &descriptor.digest.to_string())?;
        let (exchange, sent) = (Arc::clone(&self.client.exchange), call.clone());
        let answer = self.client.tasks().spawn(async move { exchange.send(&sent).await });
        Ok(Storing { call, answer })
    }

    fn finish_storing(&self, Storing { call, answer }: Storing) -> Result<HeaderMap, Error> {
        self.stored(&call, self.client.wait(answer).expect("sending a request does not panic"))
    }

    /// Begins to read the index under the tag.
    fn begin_index(&self, subject: &Digest, actions: &'static str) -> Result<ReadingIndex, Error> {
        Ok(self.begin_reading(self.manifest_call(Method::GET, &Referrer::tag(subject), actions, "read")?))
    }

    fn begin_reading(&self, call: Call) -> ReadingIndex {
        let (exchange, sent) = (Arc::clone(&self.client.exchange), call.clone());
        let answer = self.client.tasks().spawn(async move { exchange.fetch(&sent, limits::MANIFEST_BYTES).await });
        ReadingIndex { call, answer }
    }

    /// Remembers from the answer to a request for a list of referrers if the registry has such lists.
    fn learn_from(&self, list: ReadingIndex) -> Result<(), Error> {
        match self.client.wait(list.answer).expect("sending a request does not panic") {
            Ok((headers, ..)) => self.note_referrers(is_index(&headers)),
            Err(failure) if lacks_list(&failure) => self.note_referrers(false),
            Err(failure) => {
                debug!(%failure, repository = %self, "it is unknown if there is a list of referrers");
                Ok(())
            }
        }
    }

    /// Adds the entries to the index under the tag, unless it has them.
    ///
    /// A registry has no atomic update of an index, so a concurrent writer may drop the entries: the index is read
    /// again after writing. A writer that read before this write and writes after this check goes unnoticed, so the
    /// check comes when that writer should be done: after twice the time that this one took.
    fn enter_in_tag(&self, subject: &Digest, entries: &[Descriptor]) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let begun = Instant::now();
            let index = self.begin_index(subject, PUSH)?.finish(self)?;
            let listed = described(&index);
            let is_listed = |entry: &&Descriptor| listed.iter().any(|other| other.digest == entry.digest);
            let missing: Vec<_> = entries.iter().filter(|entry| !is_listed(entry)).cloned().collect();
            if missing.is_empty() {
                return Ok(());
            }
            self.write_index(subject, index, &missing)?;
            std::thread::sleep((begun.elapsed() * 2).min(LONGEST_PAUSE));
        }
        Err(Error::Protocol {
            attempt: format!("add a referrer of `{self}@{subject}`"),
            problem: format!("other writers removed it from the tag {ATTEMPTS} times"),
        })
    }

    /// Writes the index under the tag with the `entries` at its end.
    fn write_index(&self, subject: &Digest, mut index: Value, entries: &[Descriptor]) -> Result<(), Error> {
        if let Some(list) = index["manifests"].as_array_mut() {
            let listed = |entry: &Descriptor| list.iter().any(|other| other["digest"] == json!(entry.digest));
            let missing: Vec<_> = entries.iter().filter(|entry| !listed(entry)).map(|entry| json!(entry)).collect();
            list.extend(missing);
        }
        let bytes = index.to_string().into_bytes();
        let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, &bytes);
        self.store_manifest(&self.publish_call(&descriptor, &bytes, &Referrer::tag(subject))?).map(drop)
    }

    fn knows_referrers(&self) -> Result<Option<bool>, Error> {
        let facts = self.client.capabilities.of(&self.host()?);
        Ok(facts.get(&Feature::Referrers).map(|fact| fact.is_supported))
    }

    /// Remembers if the registry has the API. A registry is expected to have it, so that is stored only to replace
    /// the opposite.
    fn note_referrers(&self, is_supported: bool) -> Result<(), Error> {
        if self.knows_referrers()?.unwrap_or(true) != is_supported {
            self.client.capabilities.note(&self.host()?, [(Feature::Referrers, Capability::new(is_supported, None))]);
        }
        Ok(())
    }
}

/// A manifest that is being stored.
struct Storing {
    call: Call,
    answer: JoinHandle<Result<Response, Error>>,
}

/// The headers, the body and the URL of an answer.
type Fetched = Result<(HeaderMap, Vec<u8>, Url), Error>;

/// An index that is being read: under a tag, or the list of the registry.
struct ReadingIndex {
    call: Call,
    answer: JoinHandle<Fetched>,
}

impl ReadingIndex {
    /// Returns the index, including unknown fields of other writers; an empty index if there is none.
    fn finish(self, repository: &Repository) -> Result<Value, Error> {
        let not_an_index = |problem| Error::Protocol { attempt: self.call.attempt.clone(), problem };
        let answer = repository.client.wait(self.answer).expect("sending a request does not panic");
        let (headers, body, _) = match answer {
            Err(Error::NotFound { .. }) => return Ok(json!(Index::<Descriptor>::default())),
            read => read?,
        };
        let index: Value =
            serde_json::from_slice(without_bom(&body)).map_err(|error| not_an_index(error.to_string()))?;
        if !is_index(&headers) || !index["manifests"].is_array() {
            // The tag has another purpose (distribution-spec 1.1, "Pushing Manifests with Subject", step 2).
            return Err(not_an_index("the tag is not an index of referrers".to_owned()));
        }
        Ok(index)
    }
}

/// Returns true if a failure means that the API is missing: 404 and 405, and the answers of gateways that do not know
/// the path.
fn lacks_list(failure: &Error) -> bool {
    match failure {
        Error::NotFound { source, .. } => source.as_ref().is_none_or(|answer| !answer.has_code("NAME_UNKNOWN")),
        Error::Unsupported { .. } | Error::WebPage { .. } => true,
        Error::Status { status, .. } => matches!(status, 400 | 406 | 410 | 415),
        _ => false,
    }
}

pub(super) fn is_index(headers: &HeaderMap) -> bool {
    media_type(headers) == Some(MediaType::IMAGE_INDEX)
}

/// The entries of an index. Invalid descriptors are skipped.
fn described(index: &Value) -> Vec<Descriptor> {
    let entries = index["manifests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = entries.iter().filter_map(|entry| serde_json::from_value(entry.clone()).ok());
    read.take(limits::REFERRERS + 1).collect()
}
