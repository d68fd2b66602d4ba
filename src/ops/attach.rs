//! Putting documents about a ModelKit beside it, each as a manifest that refers to it.

use super::Error;
use crate::oci::{Annotations, Content, ContentError, Descriptor, Manifest, MediaType, Target};
use crate::progress::Progress;

/// A document about a ModelKit.
pub(super) struct Attachment<'a> {
    /// What it is.
    pub(super) artifact_type: MediaType,
    /// Its blobs, each as its manifest describes it, and where their content is.
    pub(super) blobs: Vec<(Descriptor, Box<dyn Content + 'a>)>,
    /// What its manifest says of it.
    pub(super) annotations: Annotations,
}

/// An annotation that stands for what a document says, where its bytes also tell something that does not matter, such as when it
/// was written: of two documents of a type that say the same, the older one stays.
pub(super) const FINGERPRINT: &str = "ml.kitops.modelkit.fingerprint";

/// The config of a manifest that has none (image-spec 1.1, "Guidance for an Empty Descriptor").
const EMPTY: &[u8] = b"{}";

/// Attaches to `subject`, which is at the target, what is not attached to it yet.
///
/// The ModelKit is in its place, and of use without them: what cannot be attached is told in a warning.
pub(super) fn attach(target: &dyn Target, subject: &Descriptor, documents: &[Attachment<'_>], progress: &dyn Progress) {
    let Some(first) = documents.first() else { return };
    let attached = match target.attached(subject) {
        Ok(attached) => attached,
        Err(error) => return progress.warn(&failed(first, error).in_words()),
    };
    for document in documents {
        if let Err(error) = attach_one(target, subject, document, &attached) {
            progress.warn(&error.in_words());
        }
    }
}

fn attach_one(
    target: &dyn Target,
    subject: &Descriptor,
    document: &Attachment<'_>,
    attached: &[Descriptor],
) -> Result<(), Error> {
    let config = Descriptor::of(MediaType::EMPTY, EMPTY);
    let layers = document.blobs.iter().map(|(blob, _)| blob.clone()).collect();
    let mut manifest = Manifest::new(document.artifact_type.clone(), config.clone(), layers);
    manifest.subject = Some(Descriptor::new(subject.media_type.clone(), subject.digest, subject.size));
    manifest.annotations.clone_from(&document.annotations);
    let bytes = manifest.to_bytes();
    let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes);
    let says_the_same = |other: &Descriptor| {
        let fingerprint = document.annotations.get(FINGERPRINT);
        let is_same_kind = other.artifact_type.as_ref() == Some(&document.artifact_type);
        is_same_kind && fingerprint.is_some() && other.annotations.get(FINGERPRINT) == fingerprint
    };
    if attached.iter().any(|other| other.digest == descriptor.digest || says_the_same(other)) {
        return Ok(());
    }
    let failed = |error| failed(document, error);
    let blobs = document.blobs.iter().map(|(blob, content)| (blob, &**content));
    for (blob, content) in blobs.chain([(&config, &EMPTY as &dyn Content)]) {
        if !target.contains(blob).map_err(failed)? {
            target.put(blob, content).map_err(failed)?;
        }
    }
    let descriptor = Descriptor { artifact_type: manifest.artifact_type, ..descriptor };
    target.publish(&descriptor, &bytes, None).map_err(failed)
}

fn failed(document: &Attachment<'_>, error: ContentError) -> Error {
    Error::writing(&format!("`{}` beside the ModelKit", document.artifact_type), error)
}
