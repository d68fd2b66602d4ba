//! The record of a promotion: attached to the ModelKit that a tag was moved to, and read for a rollback.

use std::collections::BTreeSet;
use std::slice;
use std::sync::Arc;

use jiff::Timestamp;

use super::promote::{self, TagMove};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{Descriptor, MediaType, Referrer, Subject, Target};
use crate::ops::artifact::{Attachment, Promotions, RecordedPromotion, attach, promotions};
use crate::ops::error::{Error, reason};
use crate::ops::tag_state::TagState;
use crate::ops::trust::{attach_bundle, sign_statement};
use crate::progress::{Progress, Warning};
use crate::provenance::{Builder, PROMOTION_ARTIFACT_TYPE, PROMOTION_PREDICATE_TYPE, Promotion};
use crate::registry::{self, Repository};
use crate::trust::{CertificateChain, PrivateKey, Statement};

/// The part of a record that only the caller knows.
#[derive(Debug, Clone)]
pub struct Recorder {
    /// The user or the service that promotes.
    pub promoter: Builder,
    /// The clock, which is read when a tag was moved.
    pub clock: fn() -> Timestamp,
    /// The key that signs the records; without it, they are not signed.
    pub key: Option<Arc<RecordKey>>,
}

/// The key that signs records.
#[derive(Debug)]
pub struct RecordKey {
    /// The key.
    pub key: PrivateKey,
    /// The certificate of the key, if the records contain one.
    pub certificates: Option<CertificateChain>,
}

impl promote::Promotion<'_> {
    /// Attaches the record of `moved` to its manifest at `target`. Its source has the tag with `suffix`. A failure is a
    /// warning, because the tag was moved.
    pub(super) fn record(&self, target: &dyn Target, moved: &TagMove, suffix: &str) {
        let Recorder { promoter, clock, key } = self.options.recorder.clone();
        let time = clock();
        let record = Promotion {
            subject: moved.manifest.digest,
            source: self.source_of(moved, suffix),
            target: moved.tag.clone(),
            previous: digest(moved.before),
            is_rollback: self.is_rollback,
            promoter,
            time: Some(time),
            policies: self.asked_policies(),
        };
        match key {
            Some(key) => self.attach_signed(target, moved, &record, (&key, time)),
            None => self.attach_unsigned(target, moved, &record, time),
        }
    }

    fn attach_unsigned(&self, target: &dyn Target, moved: &TagMove, record: &Promotion, time: Timestamp) {
        let artifact_type = MediaType::of(PROMOTION_ARTIFACT_TYPE);
        let statement = record.to_statement();
        let record = Attachment::of_statement(artifact_type, PROMOTION_PREDICATE_TYPE, statement, Some(time));
        let (jobs, progress) = (self.options.copying.jobs, self.session.progress);
        for descriptor in [Some(moved.manifest.clone()), self.left(moved)].iter().flatten() {
            attach(target, &Subject { descriptor, is_new: false }, slice::from_ref(&record), jobs, progress);
        }
    }

    fn attach_signed(
        &self,
        target: &dyn Target,
        moved: &TagMove,
        record: &Promotion,
        (key, time): (&RecordKey, Timestamp),
    ) {
        let (name, predicate) = (Some(record.target.clone()), record.to_predicate());
        let statement = Statement::of_attestation(&record.subject, name, PROMOTION_PREDICATE_TYPE, predicate);
        let attach = || {
            let bundle = sign_statement(&statement, (&key.key, key.certificates.as_ref()))?;
            for subject in [Some(moved.manifest.clone()), self.left(moved)].iter().flatten() {
                attach_bundle(target, subject, &bundle, PROMOTION_PREDICATE_TYPE, time)?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = attach() {
            let reason = reason(&error);
            self.session.progress.warn(&Warning::NotAttached { artifact_type: PROMOTION_PREDICATE_TYPE, reason });
        }
    }

    /// The manifest that the tag leaves, if it still exists: nothing else leads from it to the next one.
    fn left(&self, moved: &TagMove) -> Option<Descriptor> {
        let left = digest(moved.before).filter(|left| *left != moved.manifest.digest)?;
        match self.session.client.repository(&self.destination).resolve_at_registry(&left.to_string()) {
            Ok(left) => Some(left),
            Err(registry::Error::NotFound { .. }) => None,
            Err(error) => {
                self.session.progress.warn(&Warning::ReferrersUnreadable {
                    what: "provenance",
                    subject: left,
                    reason: error.to_string(),
                });
                None
            }
        }
    }

    fn source_of(&self, moved: &TagMove, suffix: &str) -> Option<String> {
        if self.is_rollback {
            return Some(self.destination.with_digest(moved.manifest.digest).to_string());
        }
        self.source.as_ref().map(|source| format!("{source}{suffix}"))
    }
}

fn digest(state: TagState) -> Option<Digest> {
    match state {
        TagState::At(digest) => Some(digest),
        TagState::Absent => None,
    }
}

/// The state before a promotion.
pub(super) struct Previous {
    /// The manifest that the tag pointed to.
    pub(super) digest: Digest,
    /// The time of the promotion.
    pub(super) time: Option<Timestamp>,
    /// True if the promotion was a rollback.
    pub(super) is_rollback: bool,
}

/// Returns the manifest that `tag` pointed to before its latest promotion, which must be to `current`. The referrers
/// are read from the registry itself, because those of a mirror may be out of date.
pub(super) fn previous(
    repository: &Repository,
    tag: &str,
    current: &Descriptor,
    progress: &dyn Progress,
) -> Result<Previous, Error> {
    let listed = repository.attached(current).map_err(|error| Error::reading("its referrers", error))?;
    let Promotions { arrivals, departures } = promotions(repository, current, &listed, progress);
    let is_about = |promotion: &RecordedPromotion| promotion.target == tag;
    let latest = arrivals.into_iter().rfind(is_about);
    let left = departures.into_iter().rfind(is_about);
    let (tag, digest) = (tag.to_owned(), current.digest);
    if let Some(left) = left.filter(|left| latest.as_ref().is_none_or(|latest| left.time > latest.time)) {
        return Err(Error::MovedUnrecorded { tag, digest, promoted: left.subject });
    }
    let Some(latest) = latest else { return Err(Error::NotPromoted { tag, digest }) };
    let digest = latest.previous.ok_or(Error::FirstPromotion { tag, digest })?;
    Ok(Previous { digest, time: latest.time, is_rollback: latest.is_rollback })
}

/// The same error, unless a promotion moved the tag to another manifest of the repository before.
pub(super) fn explained(error: Error, repository: &Repository, progress: &dyn Progress) -> Error {
    let Error::NotPromoted { tag, digest } = error else { return error };
    match promoted_elsewhere(repository, &tag, progress) {
        Some(promoted) => Error::MovedUnrecorded { tag, digest, promoted },
        None => Error::NotPromoted { tag, digest },
    }
}

/// Returns the manifest that the latest promotion of `tag` moved it to, among those with a tag and those whose
/// referrers have one. It only explains a failure, so what cannot be read is passed over.
fn promoted_elsewhere(repository: &Repository, tag: &str, progress: &dyn Progress) -> Option<Digest> {
    let recorded = repository.referrer_tags().unwrap_or_default();
    let subjects = recorded.iter().filter_map(|tag| Referrer::subject_of_tag(tag)).map(|digest| digest.to_string());
    let named: BTreeSet<_> = repository.tags().unwrap_or_default().into_iter().chain(subjects).collect();
    let mut seen = BTreeSet::new();
    let arrivals = named.into_iter().take(limits::PROMOTIONS).flat_map(|name| {
        let subject = repository.resolve_at_registry(&name).ok().filter(|subject| seen.insert(subject.digest));
        let listed = subject.as_ref().and_then(|subject| repository.attached(subject).ok()).unwrap_or_default();
        subject.map(|subject| promotions(repository, &subject, &listed, progress).arrivals).unwrap_or_default()
    });
    let latest = arrivals.filter(|promotion| promotion.target == tag).max_by_key(|promotion| promotion.time);
    latest.map(|promotion| promotion.subject)
}
