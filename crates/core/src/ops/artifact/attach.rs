//! Attaching documents to a ModelKit as referrers: each becomes a manifest whose subject is the ModelKit.

use crate::oci::{Annotations, Content, ContentError, Descriptor, Manifest, MediaType, Publication, Target};
use crate::ops::error::reason;
use crate::progress::{Progress, Warning};

/// A document to attach to a ModelKit.
pub(crate) struct Attachment<'a> {
    /// The type of the document.
    pub(crate) artifact_type: MediaType,
    /// The blobs, each with its descriptor in the manifest and its content.
    pub(crate) blobs: Vec<(Descriptor, Box<dyn Content + 'a>)>,
    /// The annotations of the manifest.
    pub(crate) annotations: Annotations,
}

/// The annotation that identifies the meaning of a document whose bytes also contain unimportant details, such as the
/// time of writing. A document is not attached if one with the same type and fingerprint already is: the older one
/// stays.
pub(crate) const FINGERPRINT: &str = "ml.kitops.modelkit.fingerprint";

/// The config of a manifest that has none (image-spec 1.1, "Guidance for an Empty Descriptor").
const EMPTY: &[u8] = b"{}";

/// A document whose manifest is ready to be published.
pub(crate) struct Prepared<'a> {
    document: &'a Attachment<'a>,
    config: Descriptor,
    descriptor: Descriptor,
    manifest: Vec<u8>,
}

impl Prepared<'_> {
    pub(crate) fn publication(&self) -> Publication<'_> {
        let Self { document, config, descriptor, manifest } = self;
        let blobs = document.blobs.iter().map(|(blob, content)| (blob, &**content));
        let documents = blobs.chain([(config, &EMPTY as &dyn Content)]).collect();
        Publication { descriptor, manifest, tag: None, documents }
    }
}

/// Attaches to `subject`, which exists at the target, every document that is not attached to it yet.
///
/// The ModelKit is complete and usable without them, so a failure to attach one is only a warning.
pub(crate) fn attach(target: &dyn Target, subject: &Descriptor, documents: &[Attachment<'_>], progress: &dyn Progress) {
    for document in prepare(target, subject, documents, progress) {
        if let Err(error) = target.publish_all(&[document.publication()]) {
            warn(progress, &document.document.artifact_type, &error);
        }
    }
}

/// Builds the manifests of the documents that are not attached to `subject` yet. If the target cannot list its
/// referrers, warns and returns none.
pub(crate) fn prepare<'a>(
    target: &dyn Target,
    subject: &Descriptor,
    documents: &'a [Attachment<'a>],
    progress: &dyn Progress,
) -> Vec<Prepared<'a>> {
    let Some(first) = documents.first() else { return Vec::new() };
    let attached = match target.attached(subject) {
        Ok(attached) => attached,
        Err(error) => {
            warn(progress, &first.artifact_type, &error);
            return Vec::new();
        }
    };
    documents.iter().filter_map(|document| prepare_one(subject, document, &attached)).collect()
}

fn prepare_one<'a>(
    subject: &Descriptor,
    document: &'a Attachment<'a>,
    attached: &[Descriptor],
) -> Option<Prepared<'a>> {
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
        return None;
    }
    let descriptor = Descriptor { artifact_type: manifest.artifact_type, ..descriptor };
    Some(Prepared { document, config, descriptor, manifest: bytes })
}

fn warn(progress: &dyn Progress, artifact_type: &MediaType, error: &ContentError) {
    progress.warn(&Warning::NotAttached { artifact_type: artifact_type.as_str(), reason: reason(error) });
}
