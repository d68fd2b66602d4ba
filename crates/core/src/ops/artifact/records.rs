//! Reading the provenance attestations that are attached to a ModelKit.

use crate::limits;
use crate::oci::{ContentError, Descriptor, Manifest, MediaType, Reference, Referrer, Source, read_document};
use crate::ops::error::reason;
use crate::progress::{Progress, Warning};
use crate::provenance::{MEDIA_TYPE, Record};

/// Reads the provenance attestations of `subject`, the oldest first.
///
/// Skips those that cannot be read or have another subject. Warns if the source cannot list the referrers.
pub(crate) fn records(source: &dyn Source, subject: &Descriptor, progress: &dyn Progress) -> Vec<Record> {
    let listed = listed_referrers(source, subject, progress).unwrap_or_else(|error| {
        progress.warn(&Warning::ReferrersUnreadable { subject: subject.digest, reason: reason(&error) });
        Vec::new()
    });
    let statements = listed.iter().filter(|found| is_statement(found)).take(limits::RECORDS);
    let mut records: Vec<_> = statements.flat_map(|found| read(source, subject, found)).collect();
    records.sort_by_key(|record| (record.time.is_none(), record.time));
    records
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

fn is_statement(found: &Descriptor) -> bool {
    found.artifact_type.as_ref().is_some_and(|found| found.as_str() == MEDIA_TYPE)
}

fn read(source: &dyn Source, subject: &Descriptor, found: &Descriptor) -> Vec<Record> {
    let Ok(bytes) = source.manifest(found) else { return Vec::new() };
    let Ok(manifest) = Manifest::parse(&bytes) else { return Vec::new() };
    if Referrer::read(found, &bytes).is_none_or(|referrer| referrer.subject != subject.digest) {
        return Vec::new();
    }
    let statements =
        manifest.layers.iter().filter(|layer| layer.media_type == MediaType::of(MEDIA_TYPE)).take(limits::RECORDS);
    let read = statements.filter_map(|layer| Record::parse(&read_document(&*source.blob(layer), layer).ok()?));
    read.filter(|record| record.subject == subject.digest).collect()
}
