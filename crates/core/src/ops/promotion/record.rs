//! The record of a promotion: attached to the ModelKit that a tag was moved to, and read for a rollback.

use std::collections::BTreeSet;
use std::slice;

use jiff::Timestamp;

use super::promote::{self, TagMove};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{Descriptor, MediaType, Referrer, Subject, Target};
use crate::ops::artifact::{Attachment, Promotions, attach, promotions};
use crate::ops::error::Error;
use crate::ops::tag_state::TagState;
use crate::progress::{Progress, Warning};
use crate::provenance::{Builder, PROMOTION_ARTIFACT_TYPE, PROMOTION_PREDICATE_TYPE, Promotion};
use crate::registry::{self, Repository};

/// The part of a record that only the caller knows.
#[derive(Debug, Clone)]
pub struct Recorder {
    /// The user or the service that promotes.
    pub promoter: Builder,
    /// The clock, which is read when a tag was moved.
    pub clock: fn() -> Timestamp,
}

impl promote::Promotion<'_> {
    /// Attaches the record of `moved` to its manifest at `target`. Its source has the tag with `suffix`. A failure is a
    /// warning, because the tag was moved.
    pub(super) fn record(&self, target: &dyn Target, moved: &TagMove, suffix: &str) {
        let Recorder { promoter, clock } = self.options.recorder.clone();
        let time = clock();
        let record = Promotion {
            subject: moved.manifest.digest,
            source: self.source_of(moved, suffix),
            target: moved.tag.clone(),
            previous: digest(moved.before),
            is_rollback: self.is_rollback,
            promoter,
            time: Some(time),
        };
        let artifact_type = MediaType::of(PROMOTION_ARTIFACT_TYPE);
        let statement = record.to_statement();
        let record = Attachment::of_statement(artifact_type, PROMOTION_PREDICATE_TYPE, statement, Some(time));
        let (jobs, progress) = (self.options.copying.jobs, self.session.progress);
        attach(
            target,
            &Subject { descriptor: &moved.manifest, is_new: false },
            slice::from_ref(&record),
            jobs,
            progress,
        );
        // From the manifest that the tag leaves, nothing else leads to the next one.
        let Some(left) = digest(moved.before).filter(|left| *left != moved.manifest.digest) else { return };
        let repository = self.session.client.repository(&self.destination);
        match repository.resolve_at_registry(&left.to_string()) {
            Ok(left) => {
                attach(target, &Subject { descriptor: &left, is_new: false }, slice::from_ref(&record), jobs, progress);
            }
            Err(registry::Error::NotFound { .. }) => {}
            Err(error) => {
                progress.warn(&Warning::ReferrersUnreadable {
                    what: "provenance",
                    subject: left,
                    reason: error.to_string(),
                });
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
    let is_about = |promotion: &Promotion| promotion.target == tag;
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
