//! Attaching a bundle to a manifest. Unlike other documents that are attached, a signature that is not stored is a
//! failure.

use jiff::Timestamp;

use crate::digest::Digest;
use crate::oci::{Annotations, CREATED, Content, Descriptor, Manifest, MediaType, Subject, Target};
use crate::ops::artifact::EMPTY;
use crate::ops::error::Error;
use crate::trust::{BUNDLE_MEDIA_TYPE, PREDICATE_TYPE_ANNOTATION};

/// An annotation of the manifest of a bundle. Annotations help people; what counts is the signed statement.
const CONTENT: (&str, &str) = ("dev.sigstore.bundle.content", "dsse-envelope");

/// Stores `bundle` as a referrer of `subject`, which exists at the target, and returns the digest of its manifest.
pub(crate) fn attach_bundle(
    target: &dyn Target,
    subject: &Descriptor,
    bundle: &[u8],
    predicate_type: &str,
    time: Timestamp,
) -> Result<Digest, Error> {
    let failed = |error| Error::writing("the signature", error);
    let layer = Descriptor::of(MediaType::of(BUNDLE_MEDIA_TYPE), bundle);
    let config = Descriptor::of(MediaType::EMPTY, EMPTY);
    let mut manifest = Manifest::new(MediaType::of(BUNDLE_MEDIA_TYPE), config.clone(), vec![layer.clone()]);
    manifest.subject = Some(Descriptor::new(subject.media_type.clone(), subject.digest, subject.size));
    manifest.annotations = annotations(predicate_type, time);
    let bytes = manifest.to_bytes();
    let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes);
    let descriptor = Descriptor { artifact_type: manifest.artifact_type, ..descriptor };
    let blobs: [(&Descriptor, &dyn Content); 2] = [(&layer, &bundle), (&config, &EMPTY)];
    for (blob, content) in blobs {
        if target.finds_on_put(blob) || !target.contains(blob).map_err(failed)? {
            target.put_from(blob, None, content).map_err(failed)?;
        }
    }
    let published = (descriptor.clone(), bytes);
    let subject = Subject { descriptor: subject, is_new: false };
    let results = target.publish_referrers(&subject, &[published]).map_err(failed)?;
    results.into_iter().collect::<Result<(), _>>().map_err(failed)?;
    Ok(descriptor.digest)
}

fn annotations(predicate_type: &str, time: Timestamp) -> Annotations {
    // With milliseconds: of several records of a kind, the newest counts.
    let time = time.to_string();
    let (content, kind) = CONTENT;
    Annotations::from(
        [(content, kind), (PREDICATE_TYPE_ANNOTATION, predicate_type), (CREATED, &time)]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
    )
}
