//! The times at which the ModelKits of the local store were packed.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::digest::Digest;
use crate::oci::{CREATED, MediaType, Referrer, Source as _};
use crate::ops::error::Error;
use crate::provenance;
use crate::store::{Entry, Names, Store};

/// Returns the times of packing, by the digests of the ModelKits: for each, that of the oldest provenance attestation
/// that is attached to it. A ModelKit itself has no time, so that packing the same files again gives the same digest.
pub fn creation_times(store: &Store) -> Result<HashMap<Digest, Timestamp>, Error> {
    let attestation = MediaType::of(provenance::MEDIA_TYPE);
    let is_attestation = |entry: &Entry| entry.descriptor.artifact_type.as_ref() == Some(&attestation);
    let mut entries = store.entries()?;
    entries.retain(|entry| entry.subject().is_some() && is_attestation(entry));
    let Some(any) = entries.first().and_then(Entry::reference).cloned() else { return Ok(HashMap::new()) };
    // Documents are read by digest, so one reader serves all repositories.
    let reader = store.reader(Names::Of(any))?;
    let mut times = HashMap::new();
    for entry in entries {
        // A damaged attestation is the concern of `kit fsck`; the ModelKit is listed without a time.
        let Ok(bytes) = reader.manifest(&entry.descriptor) else { continue };
        let Some(Referrer { subject, descriptor }) = Referrer::read(&entry.descriptor, &bytes) else { continue };
        let predicate = descriptor.annotations.get(provenance::PREDICATE_ANNOTATION);
        let time = descriptor.annotations.get(CREATED).and_then(|text| text.parse::<Timestamp>().ok());
        if let Some(time) = time.filter(|_| predicate.is_some_and(|kind| kind == provenance::PREDICATE_TYPE)) {
            times.entry(subject).and_modify(|oldest: &mut Timestamp| *oldest = time.min(*oldest)).or_insert(time);
        }
    }
    Ok(times)
}
