//! The documents that are attached to a ModelKit, such as bills of materials.

use crate::digest::Digest;
use crate::oci::{CREATED, Descriptor, MediaType, Source};
use crate::ops::artifact::listed_referrers;
use crate::ops::error::Error;
use crate::progress::Progress;
use crate::trust::is_bundle_type;

/// A document that is attached to a ModelKit, as its place lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedRow {
    /// The manifest of the document.
    pub digest: Digest,
    /// The type of the document; empty if the place does not list it.
    pub artifact_type: String,
    /// The time of creation in its annotations.
    pub created: Option<String>,
}

/// Lists the documents that are attached to `subject`, without signatures and attestations.
pub(super) fn list(
    source: &dyn Source,
    subject: &Descriptor,
    progress: &dyn Progress,
) -> Result<Vec<AttachedRow>, Error> {
    let listed = listed_referrers(source, subject, progress);
    let listed = listed.map_err(|error| Error::reading("the attached documents", error))?;
    let row = |entry: &Descriptor| AttachedRow {
        digest: entry.digest,
        artifact_type: entry.artifact_type.as_ref().map_or("", MediaType::as_str).to_owned(),
        created: entry.annotations.get(CREATED).cloned(),
    };
    let mut rows: Vec<_> = listed.iter().map(row).filter(|row| !is_bundle_type(&row.artifact_type)).collect();
    rows.sort_by(|one, other| (&one.artifact_type, &other.created).cmp(&(&other.artifact_type, &one.created)));
    rows.dedup_by_key(|row| row.digest);
    Ok(rows)
}
