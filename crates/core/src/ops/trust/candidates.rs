//! Finding the signatures and attestations beside a manifest: bundles, the referrers of cosign 2, and its tags.

use std::collections::HashMap;
use std::io::Read;

use jiff::Timestamp;

use crate::digest::{Digest, VerifyingReader};
use crate::limits;
use crate::oci::{CREATED, Companion, Content, ContentError, Descriptor, Manifest, MediaType, Referrer, Source};
use crate::ops::error::{Error, reason};
use crate::ops::session::Located;
use crate::trust::{
    Broken, COSIGN_ARTIFACT, Candidate, ENVELOPE_MEDIA_TYPE, Form, SIGNATURE_ANNOTATION, SIMPLE_SIGNING_MEDIA_TYPE,
    Signed, decode_base64, is_bundle_type,
};

/// The signatures and attestations beside a manifest, none of them verified.
#[derive(Debug, Default)]
pub struct Candidates {
    /// The candidates: bundles, then referrers of cosign 2, then tags.
    pub found: Vec<Candidate>,
    /// True if there are more than are read.
    pub is_cut_off: bool,
}

/// The types by which registries that do not know `artifactType` may list a referrer: those of configs that say
/// nothing.
const UNSPECIFIC: [&str; 3] = ["", "application/vnd.oci.empty.v1+json", "application/vnd.oci.image.config.v1+json"];

/// Reads everything beside the manifest `subject` that may be a signature or an attestation: bundles and referrers of
/// cosign 2, and the layers of the `companions` of these kinds. Each document is read once.
///
/// A document that is damaged, missing or invalid is a candidate that is broken. A place that fails for another reason
/// fails this function: it is then unknown what is beside the manifest.
pub fn candidates(source: &dyn Source, subject: &Descriptor, companions: &[Companion]) -> Result<Candidates, Error> {
    let failed = |error| Error::reading("the signatures", error);
    let mut reading =
        Reading { source, subject: subject.digest, left: limits::SIGNATURES_BYTES, blobs: HashMap::new() };
    let mut candidates = Candidates::default();
    let mut listed = source.referrers(subject).map_err(failed)?;
    candidates.is_cut_off = listed.len() > limits::REFERRERS;
    listed.truncate(limits::REFERRERS);
    for referrer in listed.iter().filter(|listed| may_be_signature(listed)) {
        let found = reading.referrer(referrer).map_err(failed)?;
        candidates.extend(found);
    }
    candidates.found.sort_by_key(|candidate| candidate.form);
    for kind in companions {
        for (descriptor, bytes) in source.companions(&subject.digest, *kind).map_err(failed)? {
            let tag = kind.tag(&subject.digest);
            let found = reading.companion(&descriptor, &bytes, &tag).map_err(failed)?;
            candidates.extend(found);
        }
    }
    candidates.is_cut_off |= reading.left == 0;
    Ok(candidates)
}

/// Reads the bundles among the referrers `listed` of `subject`, in their order. A document that is damaged, missing or
/// invalid is a candidate that is broken.
pub(crate) fn listed_bundles(
    source: &dyn Source,
    subject: &Descriptor,
    listed: &[&Descriptor],
) -> Result<Vec<Candidate>, Error> {
    let failed = |error| Error::reading("the attestations", error);
    let mut reading =
        Reading { source, subject: subject.digest, left: limits::SIGNATURES_BYTES, blobs: HashMap::new() };
    let mut found = Vec::new();
    for referrer in listed {
        found.extend(reading.referrer(referrer).map_err(failed)?);
    }
    Ok(found)
}

/// Everything beside a manifest that is or may be a signature or an attestation. Nothing of it is verified.
#[derive(Debug)]
pub struct Beside {
    /// The manifest.
    pub subject: Descriptor,
    /// The signatures and attestations that are read.
    pub candidates: Candidates,
    /// Signatures of notation, which are not read.
    pub notation: Vec<Descriptor>,
}

/// The type of the referrers with signatures of notation.
const NOTATION: &str = "application/vnd.cncf.notary.signature";

/// Reads everything beside `found` that is or may be a signature or an attestation.
pub fn beside(found: &Located) -> Result<Beside, Error> {
    let subject = found.resolve()?;
    let candidates = candidates(&*found.source, &subject, &[Companion::Signatures, Companion::Attestations])?;
    let listed = found.source.referrers(&subject).map_err(|error| Error::reading("the signatures", error))?;
    let is_notation = |listed: &Descriptor| listed.artifact_type.as_ref().is_some_and(|it| it.as_str() == NOTATION);
    Ok(Beside { subject, candidates, notation: listed.into_iter().filter(is_notation).collect() })
}

impl Candidates {
    fn extend(&mut self, found: Vec<Candidate>) {
        let space = limits::SIGNATURES.saturating_sub(self.found.len());
        self.is_cut_off |= found.len() > space;
        self.found.extend(found.into_iter().take(space));
    }
}

/// Returns true if a listed referrer may be a signature. Its annotations mean nothing: cosign's entries have none.
fn may_be_signature(listed: &Descriptor) -> bool {
    let kind = listed.artifact_type.as_ref().map_or("", |kind| kind.as_str());
    is_bundle_type(kind) || kind == COSIGN_ARTIFACT || UNSPECIFIC.contains(&kind)
}

fn is_bundle_layer(layer: &Descriptor) -> bool {
    is_bundle_type(layer.media_type.as_str())
}

/// The candidate in a referrer with a bundle.
fn of_bundle(
    listed: &Descriptor,
    size: u64,
    created: Option<Timestamp>,
    document: Result<Signed, Broken>,
) -> Candidate {
    Candidate { manifest: listed.digest, tag: None, form: Form::Bundle, size, created, document }
}

struct Reading<'a> {
    source: &'a dyn Source,
    subject: Digest,
    /// The bytes that may still be read.
    left: u64,
    /// The blobs that were read: signatures of one payload by several keys share it.
    blobs: HashMap<Digest, Result<Vec<u8>, Broken>>,
}

impl Reading<'_> {
    fn referrer(&mut self, listed: &Descriptor) -> Result<Vec<Candidate>, ContentError> {
        let broken = |broken| Ok(vec![of_bundle(listed, listed.size, None, Err(broken))]);
        let taken = self.take(listed.size, limits::MANIFEST_BYTES);
        let bytes = match tolerate(taken.map(|()| self.source.manifest(listed)))? {
            Ok(bytes) => bytes,
            Err(reason) => return broken(reason),
        };
        let Ok(manifest) = Manifest::parse(&bytes) else { return broken(Broken::Manifest) };
        let referrer = Referrer::read(listed, &bytes);
        let kind = referrer.as_ref().and_then(|referrer| referrer.descriptor.artifact_type.as_ref());
        let kind = kind.map_or("", MediaType::as_str);
        let is_bundle = is_bundle_type(kind) || manifest.layers.iter().any(is_bundle_layer);
        let is_cosign = kind == COSIGN_ARTIFACT || manifest.config.media_type.as_str() == COSIGN_ARTIFACT;
        if !is_cosign && !is_bundle {
            return Ok(Vec::new());
        }
        if referrer.is_none_or(|referrer| referrer.subject != self.subject) {
            return broken(Broken::OtherReferrer);
        }
        if !is_bundle {
            return self.layers(listed.digest, &manifest, Form::LegacyReferrer, None);
        }
        let created = manifest.annotations.get(CREATED).and_then(|time| time.parse().ok());
        let (size, document) = self.bundle(&manifest)?;
        Ok(vec![of_bundle(listed, size, created, document)])
    }

    /// Reads the only layer of the manifest of a bundle.
    fn bundle(&mut self, manifest: &Manifest) -> Result<(u64, Result<Signed, Broken>), ContentError> {
        let [layer] = &manifest.layers[..] else { return Ok((0, Err(Broken::Layers(manifest.layers.len())))) };
        if !is_bundle_layer(layer) {
            return Ok((layer.size, Err(Broken::LayerType(layer.media_type.to_string()))));
        }
        let bytes = self.blob(layer, limits::BUNDLE_BYTES)?;
        Ok((layer.size, bytes.and_then(Signed::of_bundle)))
    }

    fn companion(&mut self, listed: &Descriptor, bytes: &[u8], tag: &str) -> Result<Vec<Candidate>, ContentError> {
        match Manifest::parse(bytes) {
            Ok(manifest) if manifest.layers.len() <= limits::SIGNATURES => {
                self.layers(listed.digest, &manifest, Form::Legacy, Some(tag))
            }
            parsed => {
                let broken = parsed.map_or(Broken::Manifest, |manifest| Broken::Layers(manifest.layers.len()));
                let (manifest, tag) = (listed.digest, Some(tag.to_owned()));
                Ok(vec![Candidate {
                    manifest,
                    tag,
                    form: Form::Legacy,
                    size: listed.size,
                    created: None,
                    document: Err(broken),
                }])
            }
        }
    }

    /// Reads the layers of a manifest of cosign 2, each of which is a candidate.
    fn layers(
        &mut self,
        digest: Digest,
        manifest: &Manifest,
        form: Form,
        tag: Option<&str>,
    ) -> Result<Vec<Candidate>, ContentError> {
        let mut found = Vec::new();
        for layer in &manifest.layers {
            let document = self.layer(layer)?;
            let (size, tag) = (layer.size, tag.map(str::to_owned));
            found.push(Candidate { manifest: digest, tag, form, size, created: None, document });
        }
        Ok(found)
    }

    fn layer(&mut self, layer: &Descriptor) -> Result<Result<Signed, Broken>, ContentError> {
        let annotations = layer.annotations.clone();
        match layer.media_type.as_str() {
            SIMPLE_SIGNING_MEDIA_TYPE => {
                let signature = annotations.get(SIGNATURE_ANNOTATION).and_then(|text| decode_base64(text));
                let Some(signature) = signature else { return Ok(Err(Broken::NoSignature)) };
                let bytes = self.blob(layer, limits::SIMPLE_SIGNING_BYTES)?;
                Ok(bytes.and_then(|bytes| Signed::of_payload(bytes, signature, annotations)))
            }
            ENVELOPE_MEDIA_TYPE => {
                let bytes = self.blob(layer, limits::BUNDLE_BYTES)?;
                Ok(bytes.and_then(|bytes| Signed::of_bare_envelope(bytes, annotations)))
            }
            other => Ok(Err(Broken::LayerType(other.to_owned()))),
        }
    }

    /// Reads a blob, or returns the reason why it is broken.
    fn blob(&mut self, blob: &Descriptor, limit: u64) -> Result<Result<Vec<u8>, Broken>, ContentError> {
        if let Some(read) = self.blobs.get(&blob.digest) {
            return Ok(read.clone());
        }
        let read = tolerate(self.take(blob.size, limit).map(|()| read(&*self.source.blob(blob), blob)))?;
        self.blobs.insert(blob.digest, read.clone());
        Ok(read)
    }

    /// Takes `size` bytes from those that may still be read.
    fn take(&mut self, size: u64, limit: u64) -> Result<(), Broken> {
        if size > limit {
            return Err(Broken::TooLarge { size, limit });
        }
        let Some(left) = self.left.checked_sub(size) else {
            self.left = 0;
            return Err(Broken::TooLarge { size, limit: limits::SIGNATURES_BYTES });
        };
        self.left = left;
        Ok(())
    }
}

fn read(content: &dyn Content, blob: &Descriptor) -> Result<Vec<u8>, ContentError> {
    let mut bytes = Vec::new();
    VerifyingReader::new(content.open_at(0)?, blob.digest, blob.size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Separates documents that are missing or damaged, which break one candidate, from a place that fails.
fn tolerate(read: Result<Result<Vec<u8>, ContentError>, Broken>) -> Result<Result<Vec<u8>, Broken>, ContentError> {
    match read {
        Ok(Err(error @ (ContentError::NotFound(_) | ContentError::Mismatch(_)))) => {
            Ok(Err(Broken::Unreadable(reason(&error))))
        }
        Ok(Err(error)) => Err(error),
        Ok(Ok(bytes)) => Ok(Ok(bytes)),
        Err(broken) => Ok(Err(broken)),
    }
}
