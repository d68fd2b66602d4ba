//! Reading the owners that are attached to a ModelKit.

use jiff::Timestamp;

use crate::limits;
use crate::oci::{CREATED, ContentError, Descriptor, Manifest, Referrer, Source, read_document};
use crate::ops::error::reason;
use crate::owners::{MEDIA_TYPE, Owners};
use crate::progress::{Progress, Warning};

/// The annotation with the digest of the text, by which the same owners are recognized.
pub(super) const CONTENT: &str = "ml.kitops.modelkit.owners";

/// Reads the owners that were attached last to `subject`, whose referrers are `listed`; warns if they cannot be read.
pub(crate) fn read_listed(
    source: &dyn Source,
    subject: &Descriptor,
    listed: &[Descriptor],
    progress: &dyn Progress,
) -> Option<Owners> {
    let read = read_one(source, subject, newest(listed)?);
    read.map_err(|error| warn(subject, &error, progress)).ok()
}

fn warn(subject: &Descriptor, error: &ContentError, progress: &dyn Progress) {
    let (subject, reason) = (subject.digest, reason(error));
    progress.warn(&Warning::ReferrersUnreadable { what: "owners", subject, reason });
}

/// Returns the owners among the referrers `listed` that were attached last.
pub(super) fn newest(listed: &[Descriptor]) -> Option<&Descriptor> {
    let is_of_owners =
        |found: &&Descriptor| found.artifact_type.as_ref().is_some_and(|found| found.as_str() == MEDIA_TYPE);
    let time = |found: &&Descriptor| found.annotations.get(CREATED).and_then(|time| time.parse::<Timestamp>().ok());
    listed.iter().filter(is_of_owners).max_by_key(time)
}

fn read_one(source: &dyn Source, subject: &Descriptor, found: &Descriptor) -> Result<Owners, ContentError> {
    let invalid = |reason: &dyn std::fmt::Display| ContentError::Other(reason.to_string().into());
    let bytes = source.manifest(found)?;
    if Referrer::read(found, &bytes).is_none_or(|referrer| referrer.subject != subject.digest) {
        return Err(invalid(&"the referrer belongs to another manifest"));
    }
    let manifest = Manifest::parse(&bytes).map_err(|error| invalid(&error))?;
    let blob = manifest.layers.first().filter(|blob| blob.size <= limits::OWNERS_BYTES);
    let blob = blob.ok_or_else(|| invalid(&"the referrer has no document of the allowed size"))?;
    let text = read_document(&*source.blob(blob), blob)?;
    let text = String::from_utf8(text).map_err(|error| invalid(&error))?;
    Owners::parse(&text).map_err(|error| invalid(&error))
}
