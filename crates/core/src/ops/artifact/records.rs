//! Reading the provenance attestations and the records of promotions that are attached to a ModelKit.

use std::collections::HashSet;
use std::ops::Deref;

use jiff::Timestamp;

use super::signed::{SignedRecord, signed_records};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{CREATED, ContentError, Descriptor, Manifest, MediaType, Reference, Referrer, Source, read_document};
use crate::ops::error::reason;
use crate::progress::{Progress, Warning};
use crate::provenance::{
    APPROVAL_PREDICATE_TYPE, MEDIA_TYPE, PROMOTION_ARTIFACT_TYPE, PROMOTION_PREDICATE_TYPE, Promotion,
    RECALL_PREDICATE_TYPE, Record, SUBSET_ARTIFACT_TYPE, Subset,
};

/// Reads the provenance attestations of `subject`, the oldest first.
///
/// Skips those that cannot be read or have another subject. Warns if the source cannot list the referrers.
pub(crate) fn records(source: &dyn Source, subject: &Descriptor, progress: &dyn Progress) -> Vec<Record> {
    provenance(source, subject, &referrers_or_none(source, subject, progress))
}

/// Reads the provenance attestations of `subject` like [`records`], but only those that `may_read` permits: each takes
/// two requests.
pub(crate) fn attestations(
    source: &dyn Source,
    subject: &Descriptor,
    may_read: &dyn Fn(&Descriptor) -> bool,
    progress: &dyn Progress,
) -> Vec<Record> {
    let mut listed = referrers_or_none(source, subject, progress);
    listed.retain(|found| is_of_type(found, MEDIA_TYPE) && may_read(found));
    provenance(source, subject, &listed)
}

/// The documents that are attached to a version.
pub(crate) struct History {
    /// Its provenance attestations, as of [`records`].
    pub(crate) records: Vec<Record>,
    /// Its promotions.
    pub(crate) promotions: Promotions,
    /// The signed approvals and recalls of it, the newest first.
    pub(crate) notices: Vec<SignedRecord>,
    /// All its referrers.
    pub(crate) listed: Vec<Descriptor>,
}

/// Reads the history of `subject` from its referrers, which are listed once.
pub(crate) fn history(source: &dyn Source, subject: &Descriptor, progress: &dyn Progress) -> History {
    let listed = referrers_or_none(source, subject, progress);
    let records = provenance(source, subject, &listed);
    let promotions = promotions(source, subject, &listed, progress);
    let mut notices = signed_records(source, subject, &listed, &[APPROVAL_PREDICATE_TYPE, RECALL_PREDICATE_TYPE]);
    notices.found.retain(|record| record.is_about(&subject.digest));
    History { records, promotions, notices: notices.found, listed }
}

/// Reads the provenance attestations of `subject` like [`records`], and the records that it is a subset of another
/// ModelKit.
pub(crate) fn sources(
    source: &dyn Source,
    subject: &Descriptor,
    progress: &dyn Progress,
) -> (Vec<Record>, Vec<Subset>) {
    let listed = referrers_or_none(source, subject, progress);
    let found = listed.iter().filter(|found| is_of_type(found, SUBSET_ARTIFACT_TYPE)).take(limits::RECORDS);
    let statements = found.flat_map(|found| statements(source, subject, found).unwrap_or_default());
    let subsets = statements.filter_map(|statement| Subset::parse(&statement));
    let subsets = subsets.filter(|subset| subset.subject == subject.digest).collect();
    (provenance(source, subject, &listed), subsets)
}

/// The records of promotions that are attached to a manifest, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Promotions {
    /// The promotions to the manifest.
    pub(crate) arrivals: Vec<RecordedPromotion>,
    /// The promotions that moved a tag from the manifest to another one.
    pub(crate) departures: Vec<RecordedPromotion>,
}

/// The record of a promotion, and its signature.
#[derive(Debug, Clone)]
pub struct RecordedPromotion {
    /// The record.
    pub promotion: Promotion,
    /// The signed document that contains it; `None` if it is not signed.
    pub signed: Option<SignedRecord>,
}

impl Deref for RecordedPromotion {
    type Target = Promotion;

    fn deref(&self) -> &Promotion {
        &self.promotion
    }
}

/// Reads the records of promotions among the referrers `listed` of `subject`: the newest ones up to a limit. Skips
/// those about other manifests, and warns of those that cannot be read.
pub(crate) fn promotions(
    source: &dyn Source,
    subject: &Descriptor,
    listed: &[Descriptor],
    progress: &dyn Progress,
) -> Promotions {
    let mut found: Vec<_> = listed.iter().filter(|found| is_of_type(found, PROMOTION_ARTIFACT_TYPE)).collect();
    // The annotation is only a help for choosing; the time in the statement decides.
    found.sort_by_key(|found| {
        std::cmp::Reverse(found.annotations.get(CREATED).and_then(|time| time.parse::<Timestamp>().ok()))
    });
    let (mut promotions, mut unreadable) = (Vec::new(), 0);
    for found in found.into_iter().take(limits::PROMOTIONS) {
        match statements(source, subject, found) {
            Ok(statements) => {
                let read = statements.iter().filter_map(|bytes| Promotion::parse(bytes));
                promotions.extend(read.map(|promotion| RecordedPromotion { promotion, signed: None }));
            }
            Err(_) => unreadable += 1,
        }
    }
    let signed = signed_records(source, subject, listed, &[PROMOTION_PREDICATE_TYPE]);
    unreadable += signed.unreadable;
    promotions.extend(signed.found.into_iter().filter_map(|record| {
        let promotion = Promotion::parse(&record.statement()?)?;
        Some(RecordedPromotion { promotion, signed: Some(record) })
    }));
    if unreadable > 0 {
        progress.warn(&Warning::RecordsUnreadable { subject: subject.digest, count: unreadable });
    }
    promotions.sort_by_key(|promotion| promotion.time);
    let (arrivals, mut departures): (Vec<_>, Vec<_>) =
        promotions.into_iter().partition(|promotion: &RecordedPromotion| promotion.subject == subject.digest);
    departures.retain(|promotion| promotion.previous == Some(subject.digest));
    Promotions { arrivals, departures }
}

/// Returns the referrers among `listed` whose provenance another one of `subject` replaces: the same files were packed
/// before they were committed, and again afterwards. One that alone names the version before stays.
pub(crate) fn superseded(source: &dyn Source, subject: &Descriptor, listed: &[Descriptor]) -> HashSet<Digest> {
    let is_dirty = |record: &Record| record.commit.as_ref().is_some_and(|commit| commit.is_dirty == Some(true));
    let found = listed.iter().filter(|found| is_of_type(found, MEDIA_TYPE)).take(limits::RECORDS);
    let (mut dirty, mut clean) = (Vec::new(), Vec::new());
    for referrer in found {
        let statements = statements(source, subject, referrer).unwrap_or_default();
        let [statement] = &statements[..] else { continue };
        let Some(record) = Record::parse(statement).filter(|record| record.subject == subject.digest) else { continue };
        if is_dirty(&record) {
            dirty.push((referrer.digest, record));
        } else if record.commit.is_some() {
            clean.push(record);
        }
    }
    dirty.retain(|(_, record)| clean.iter().any(|clean| clean.previous.is_some() || record.previous.is_none()));
    dirty.into_iter().map(|(digest, _)| digest).collect()
}

/// Reads the statements of the provenance attestations of `subject`, which are not signed. Skips those that cannot be
/// read.
pub(crate) fn provenance_statements(source: &dyn Source, subject: &Descriptor) -> Result<Vec<Vec<u8>>, ContentError> {
    let listed = source.referrers(subject)?;
    let found = listed.iter().filter(|found| is_of_type(found, MEDIA_TYPE)).take(limits::RECORDS);
    Ok(found.flat_map(|found| statements(source, subject, found).unwrap_or_default()).collect())
}

fn provenance(source: &dyn Source, subject: &Descriptor, listed: &[Descriptor]) -> Vec<Record> {
    let found = listed.iter().filter(|found| is_of_type(found, MEDIA_TYPE)).take(limits::RECORDS);
    let statements = found.flat_map(|found| statements(source, subject, found).unwrap_or_default());
    let mut records: Vec<_> = statements.filter_map(|statement| Record::parse(&statement)).collect();
    records.retain(|record| record.subject == subject.digest);
    records.sort_by_key(|record| (record.time.is_none(), record.time));
    records
}

fn referrers_or_none(source: &dyn Source, subject: &Descriptor, progress: &dyn Progress) -> Vec<Descriptor> {
    listed_referrers(source, subject, progress).unwrap_or_else(|error| {
        progress.warn(&Warning::ReferrersUnreadable {
            what: "provenance",
            subject: subject.digest,
            reason: reason(&error),
        });
        Vec::new()
    })
}

/// Lists the referrers of `subject`, and warns if there are more than are read.
pub(crate) fn listed_referrers(
    source: &dyn Source,
    subject: &Descriptor,
    progress: &dyn Progress,
) -> Result<Vec<Descriptor>, ContentError> {
    let mut listed = source.referrers(subject)?;
    if listed.len() > limits::REFERRERS {
        listed.truncate(limits::REFERRERS);
        progress.warn(&Warning::ReferrersCutOff { subject: subject.digest, limit: limits::REFERRERS });
    }
    Ok(listed)
}

/// The URI by which an attestation identifies a ModelKit that another one is made of.
pub(crate) fn oci_uri(reference: &Reference) -> String {
    format!("oci://{reference}")
}

fn is_of_type(found: &Descriptor, artifact_type: &str) -> bool {
    found.artifact_type.as_ref().is_some_and(|found| found.as_str() == artifact_type)
}

/// Reads the statements in the referrer `found` of `subject`. Fails if its manifest cannot be read.
fn statements(source: &dyn Source, subject: &Descriptor, found: &Descriptor) -> Result<Vec<Vec<u8>>, ContentError> {
    let bytes = source.manifest(found)?;
    let Ok(manifest) = Manifest::parse(&bytes) else { return Ok(Vec::new()) };
    if Referrer::read(found, &bytes).is_none_or(|referrer| referrer.subject != subject.digest) {
        return Ok(Vec::new());
    }
    let statements =
        manifest.layers.iter().filter(|layer| layer.media_type == MediaType::of(MEDIA_TYPE)).take(limits::RECORDS);
    Ok(statements.filter_map(|layer| read_document(&*source.blob(layer), layer).ok()).collect())
}
