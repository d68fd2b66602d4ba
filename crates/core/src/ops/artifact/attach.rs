//! Putting documents about a ModelKit beside it, each as a manifest that refers to it.

use crate::oci::{Annotations, Content, ContentError, Descriptor, Manifest, MediaType, Publication, Target};
use crate::ops::error::Error;
use crate::progress::Progress;

/// A document about a ModelKit.
pub(crate) struct Attachment<'a> {
    /// What it is.
    pub(crate) artifact_type: MediaType,
    /// Its blobs, each as its manifest describes it, and where their content is.
    pub(crate) blobs: Vec<(Descriptor, Box<dyn Content + 'a>)>,
    /// What its manifest says of it.
    pub(crate) annotations: Annotations,
}

/// An annotation that stands for what a document says, where its bytes also tell something that does not matter, such as when it
/// was written: of two documents of a type that say the same, the older one stays.
pub(crate) const FINGERPRINT: &str = "ml.kitops.modelkit.fingerprint";

/// The config of a manifest that has none (image-spec 1.1, "Guidance for an Empty Descriptor").
const EMPTY: &[u8] = b"{}";

/// A document that is yet to be published.
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

/// Attaches to `subject`, which is at the target, what is not attached to it yet.
///
/// The ModelKit is in its place, and of use without them: what cannot be attached is told in a warning.
pub(crate) fn attach(target: &dyn Target, subject: &Descriptor, documents: &[Attachment<'_>], progress: &dyn Progress) {
    for document in prepare(target, subject, documents, progress) {
        if let Err(error) = target.publish_all(&[document.publication()]) {
            progress.warn(&failed(document.descriptor.artifact_type.as_ref(), error).in_words());
        }
    }
}

/// Makes the manifests of the documents that are not attached to `subject` yet. If the target cannot tell, that is told in a warning,
/// and none are.
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
            progress.warn(&failed(Some(&first.artifact_type), error).in_words());
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

fn failed(artifact_type: Option<&MediaType>, error: ContentError) -> Error {
    let what = artifact_type.map_or_else(|| "a document".to_owned(), |artifact_type| format!("`{artifact_type}`"));
    Error::writing(&format!("{what} beside the ModelKit"), error)
}
