//! The record of a promotion: attached to the ModelKit that a tag was moved to, and read for a rollback.

use jiff::Timestamp;

use super::promote::{Promotion, TagMove};
use crate::digest::Digest;
use crate::oci::{Descriptor, MediaType, Subject, Target};
use crate::ops::artifact::{Attachment, attach, promotions};
use crate::ops::error::Error;
use crate::ops::tag_state::TagState;
use crate::provenance::{self, Builder, PROMOTION_ARTIFACT_TYPE, PROMOTION_PREDICATE_TYPE};
use crate::registry::Repository;

/// The part of a record that only the caller knows.
#[derive(Debug, Clone)]
pub struct Recorder {
    /// The user or the service that promotes.
    pub promoter: Builder,
    /// The clock, which is read when a tag was moved.
    pub clock: fn() -> Timestamp,
}

impl Promotion<'_> {
    /// Attaches the record of `moved` to its manifest at `target`. Its source has the tag with `suffix`. A failure is a
    /// warning, because the tag was moved.
    pub(super) fn record(&self, target: &dyn Target, moved: &TagMove, suffix: &str) {
        let Recorder { promoter, clock } = self.options.recorder.clone();
        let time = clock();
        let record = provenance::Promotion {
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
        let subject = Subject { descriptor: &moved.manifest, is_new: false };
        attach(target, &subject, &[record], self.options.copying.jobs, self.session.progress);
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

/// Returns the manifest that `tag` pointed to before its latest promotion to `current`. The referrers are read from the
/// registry itself, because those of a mirror may be out of date.
pub(super) fn previous(repository: &Repository, tag: &str, current: &Descriptor) -> Result<Digest, Error> {
    let listed = repository.attached(current).map_err(|error| Error::reading("its referrers", error))?;
    let promotions = promotions(repository, current, &listed);
    let latest = promotions.into_iter().rfind(|promotion| promotion.target == tag);
    let (tag, digest) = (tag.to_owned(), current.digest);
    let Some(latest) = latest else { return Err(Error::NotPromoted { tag, digest }) };
    latest.previous.ok_or(Error::FirstPromotion { tag, digest })
}
