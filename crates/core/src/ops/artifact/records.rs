//! Reading the provenance attestations that are attached to a ModelKit.

use crate::oci::{Descriptor, Manifest, MediaType, Reference, Referrer, Source, read_document};
use crate::ops::error::reason;
use crate::progress::{Progress, Warning};
use crate::provenance::{MEDIA_TYPE, Record};

/// The highest number of attestations of one ModelKit that are read. Each describes another run that packed the same
/// files.
const LIMIT: usize = 16;

/// Reads the provenance attestations of `subject`, the oldest first.
///
/// Skips those that cannot be read or have another subject. Warns if the source cannot list the referrers.
pub(crate) fn records(source: &dyn Source, subject: &Descriptor, progress: &dyn Progress) -> Vec<Record> {
    let listed = source.referrers(subject).unwrap_or_else(|error| {
        progress.warn(&Warning::ReferrersUnreadable { subject: subject.digest, reason: reason(&error) });
        Vec::new()
    });
    let statements = listed.iter().filter(|found| is_statement(found)).take(LIMIT);
    let mut records: Vec<_> = statements.flat_map(|found| read(source, subject, found)).collect();
    records.sort_by_key(|record| (record.time.is_none(), record.time));
    records
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
    let statements = manifest.layers.iter().filter(|layer| layer.media_type == MediaType::of(MEDIA_TYPE)).take(LIMIT);
    let read = statements.filter_map(|layer| Record::parse(&read_document(&*source.blob(layer), layer).ok()?));
    read.filter(|record| record.subject == subject.digest).collect()
}
