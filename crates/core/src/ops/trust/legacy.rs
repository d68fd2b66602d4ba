//! Signing in the form of cosign 2: a layer of the manifest with the tag `sha256-<hex>.sig`.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::SigningError;
use super::place::Signable;
use super::sign::{Attached, SignOptions};
use crate::digest::Digest;
use crate::oci::companion::{Merged, config, merge};
use crate::oci::{Companion, Content, ContentError, Descriptor, Manifest, MediaType, Target};
use crate::ops::error::Error;
use crate::trust::{Form, PublicKey, SIGNATURE_ANNOTATION, SIMPLE_SIGNING_MEDIA_TYPE, SimpleSigning, decode_base64};

/// The number of times that the manifest is written because another writer replaced it.
const ATTEMPTS: usize = 10;

/// The shortest pause for other writers: they need this long between reading and writing on a busy machine.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause for other writers.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The type of the config of such a manifest.
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Signs `subject`, and adds the layer to those of other signatures.
pub(super) fn sign(signable: &Signable, subject: &Descriptor, options: &SignOptions<'_>) -> Result<Attached, Error> {
    let payload = SimpleSigning {
        repository: signable.repository.clone().unwrap_or_default(),
        manifest: subject.digest,
        annotations: options.annotations.clone(),
    };
    let payload = payload.to_bytes();
    let signature = options.key.sign(&payload).map_err(SigningError::Key)?;
    let mut layer = Descriptor::of(MediaType::of(SIMPLE_SIGNING_MEDIA_TYPE), &payload);
    layer.annotations.insert(SIGNATURE_ANNOTATION.to_owned(), STANDARD.encode(signature));
    let signature = Signature { subject: subject.digest, key: options.key.public_key(), payload, layer };
    signature.add(&*signable.target).map_err(|error| Error::writing("the signature", error))
}

struct Signature<'a> {
    subject: Digest,
    key: &'a PublicKey,
    payload: Vec<u8>,
    layer: Descriptor,
}

impl Signature<'_> {
    /// Adds the layer to the manifest under the tag.
    ///
    /// A registry cannot compare and replace, so a concurrent writer may drop the layer: the manifest is read again,
    /// when a writer that read before this write should be done.
    fn add(&self, target: &dyn Target) -> Result<Attached, ContentError> {
        let attached = |manifest, is_new| Attached { form: Form::Legacy, manifest, is_new };
        let mut there = target.companion(&self.subject, Companion::Signatures)?;
        let mut is_written = false;
        for _ in 0..ATTEMPTS {
            let begun = Instant::now();
            let old = there.as_ref().map(|(descriptor, _)| descriptor.digest);
            let parsed = there.as_ref().map(|(_, bytes)| Manifest::parse(bytes)).transpose();
            let parsed = parsed.map_err(|error| ContentError::Other(error.into()))?;
            if let (Some(old), true) = (old, parsed.as_ref().is_some_and(|there| self.is_in(there))) {
                return Ok(attached(old, is_written));
            }
            let (descriptor, bytes) = self.put(target, parsed.as_ref())?;
            if target.is_remote() {
                // Once more after the blobs, so that little time is left for other writers.
                let now = target.companion(&self.subject, Companion::Signatures)?;
                if now.as_ref().map(|(descriptor, _)| descriptor.digest) != old {
                    there = now;
                    continue;
                }
            }
            let place = (&self.subject, Companion::Signatures);
            let is_replaced = target.replace_companion((&descriptor, &bytes), place, old)?;
            if is_replaced && !target.is_remote() {
                return Ok(attached(descriptor.digest, true));
            }
            is_written |= is_replaced;
            if is_replaced {
                std::thread::sleep((begun.elapsed() * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE));
            }
            there = target.companion(&self.subject, Companion::Signatures)?;
        }
        Err(ContentError::Other(format!("other writers replaced it {ATTEMPTS} times").into()))
    }

    /// Returns true if the manifest has a signature of the same payload by the same key.
    fn is_in(&self, there: &Manifest) -> bool {
        there.layers.iter().filter(|layer| layer.digest == self.layer.digest).any(|layer| {
            let signature = layer.annotations.get(SIGNATURE_ANNOTATION).and_then(|text| decode_base64(text));
            signature.is_some_and(|signature| self.key.verify(&self.payload, &signature).is_ok())
        })
    }

    /// Stores the blobs of a manifest with the layers `there` and the new one, and returns the manifest.
    fn put(&self, target: &dyn Target, there: Option<&Manifest>) -> Result<(Descriptor, Vec<u8>), ContentError> {
        let (own, own_config) = self.manifest();
        let (bytes, new_config) = match there.map(|there| merge(there, &own)) {
            Some(Merged::New { manifest, config }) => (manifest, config),
            None | Some(Merged::Unchanged | Merged::Other) => (own.to_bytes(), Some((own.config.clone(), own_config))),
        };
        put_blob(target, &self.layer, &self.payload)?;
        if let Some((descriptor, config)) = new_config {
            put_blob(target, &descriptor, &config)?;
        }
        Ok((Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes), bytes))
    }

    /// The manifest with only this signature, and its config.
    fn manifest(&self) -> (Manifest, Vec<u8>) {
        let layers = vec![self.layer.clone()];
        let config = config(&layers);
        let descriptor = Descriptor::of(MediaType::of(IMAGE_CONFIG), &config);
        let mut manifest = Manifest::new(MediaType::of(IMAGE_CONFIG), descriptor, layers);
        manifest.artifact_type = None;
        (manifest, config)
    }
}

fn put_blob(target: &dyn Target, blob: &Descriptor, content: &dyn Content) -> Result<(), ContentError> {
    if target.finds_on_put(blob) || !target.contains(blob)? {
        target.put_from(blob, None, content)?;
    }
    Ok(())
}
