//! Attaching documents to a ModelKit as referrers: each becomes a manifest whose subject is the ModelKit.

use std::convert::Infallible;

use jiff::Timestamp;

use crate::digest::Digest;
use crate::oci::{
    Annotations, CREATED, Content, ContentError, Descriptor, Manifest, MediaType, Publication, Subject, Target,
};
use crate::ops::error::reason;
use crate::ops::workers;
use crate::progress::{Progress, Warning};
use crate::provenance::{MEDIA_TYPE, PREDICATE_ANNOTATION};

/// A document to attach to a ModelKit.
pub(crate) struct Attachment<'a> {
    /// The type of the document.
    pub(crate) artifact_type: MediaType,
    /// The blobs, each with its descriptor in the manifest and its content.
    pub(crate) blobs: Vec<(Descriptor, Box<dyn Content + 'a>)>,
    /// The annotations of the manifest.
    pub(crate) annotations: Annotations,
}

impl Attachment<'static> {
    /// The in-toto `statement` with this type of predicate, written at `time`.
    pub(crate) fn of_statement(
        artifact_type: MediaType,
        predicate_type: &str,
        statement: Vec<u8>,
        time: Option<Timestamp>,
    ) -> Self {
        let mut annotations = Annotations::from([(PREDICATE_ANNOTATION.to_owned(), predicate_type.to_owned())]);
        let mut blob = Descriptor::of(MediaType::of(MEDIA_TYPE), &statement);
        blob.annotations.clone_from(&annotations);
        annotations.extend(time.map(|time| (CREATED.to_owned(), time.to_string())));
        Self { artifact_type, blobs: vec![(blob, Box::new(statement))], annotations }
    }
}

/// The annotation that identifies the meaning of a document whose bytes also contain unimportant details, such as the
/// time of writing. A document is not attached if one with the same type and fingerprint already is: the older one
/// stays.
pub(crate) const FINGERPRINT: &str = "ml.kitops.modelkit.fingerprint";

/// The config of a manifest that has none (image-spec 1.1, "Guidance for an Empty Descriptor").
pub(crate) const EMPTY: &[u8] = b"{}";

/// A document whose manifest is ready to be published.
pub(crate) struct Prepared<'a> {
    document: &'a Attachment<'a>,
    config: Descriptor,
    descriptor: Descriptor,
    manifest: Vec<u8>,
}

impl Prepared<'_> {
    fn refers_to(&self, blob: &Digest) -> bool {
        self.publication().documents.iter().any(|(document, _)| document.digest == *blob)
    }

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
/// At most `jobs` blobs are sent at the same time.
pub(crate) fn attach(
    target: &dyn Target,
    subject: &Subject<'_>,
    documents: &[Attachment<'_>],
    jobs: usize,
    progress: &dyn Progress,
) {
    let mut prepared = prepare(target, subject, documents, progress);
    let mut blobs: Vec<(&Descriptor, &dyn Content)> = Vec::new();
    for blob in prepared.iter().flat_map(|document| document.publication().documents) {
        if blobs.iter().all(|(known, _)| known.digest != blob.0.digest) {
            blobs.push(blob);
        }
    }
    let sent = workers::run(jobs, &blobs, |(blob, content)| {
        Ok::<_, Infallible>(send(target, blob, *content).map_err(|error| (blob.digest, error)).err())
    });
    let Ok(sent) = sent;
    for (lost, error) in sent.into_iter().flatten() {
        for document in prepared.extract_if(.., |document| document.refers_to(&lost)) {
            warn(progress, &document.document.artifact_type, &error);
        }
    }
    publish(target, subject, &prepared, progress);
}

fn send(target: &dyn Target, blob: &Descriptor, content: &dyn Content) -> Result<(), ContentError> {
    if !target.finds_on_put(blob) && target.contains(blob)? {
        return Ok(());
    }
    target.put_from(blob, None, content).map(drop)
}

fn publish(target: &dyn Target, subject: &Subject<'_>, prepared: &[Prepared<'_>], progress: &dyn Progress) {
    let Some(first) = prepared.first() else { return };
    let referrers: Vec<_> = prepared.iter().map(|it| (it.descriptor.clone(), it.manifest.clone())).collect();
    match target.publish_referrers(subject, &referrers) {
        Ok(published) => {
            for (document, published) in prepared.iter().zip(published) {
                published.unwrap_or_else(|error| warn(progress, &document.document.artifact_type, &error));
            }
        }
        Err(error) => warn(progress, &first.document.artifact_type, &error),
    }
}

/// Builds the manifests of the documents that are not attached to `subject` yet. If the target cannot list its
/// referrers, warns and returns none.
pub(crate) fn prepare<'a>(
    target: &dyn Target,
    subject: &Subject<'_>,
    documents: &'a [Attachment<'a>],
    progress: &dyn Progress,
) -> Vec<Prepared<'a>> {
    let Some(first) = documents.first() else { return Vec::new() };
    let listed = if subject.is_new { Ok(Vec::new()) } else { target.attached(subject.descriptor) };
    let attached = match listed {
        Ok(attached) => attached,
        Err(error) => {
            warn(progress, &first.artifact_type, &error);
            return Vec::new();
        }
    };
    documents.iter().filter_map(|document| prepare_one(subject.descriptor, document, &attached)).collect()
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
