//! The documents of an artifact as bytes: the manifest, and the config that it names.

use crate::oci::{Content, Descriptor, Manifest, MediaType, Publication};

/// The manifest of an artifact and its config, as the bytes that are stored and the descriptors with their digests.
///
/// Together with the layers, which they list, they are the whole artifact. The lock and the provenance attestation do
/// not belong to it: they describe the artifact from outside, and do not change its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents {
    /// The manifest.
    pub manifest: Descriptor,
    /// The bytes of the manifest.
    pub manifest_bytes: Vec<u8>,
    /// The config, as the manifest names it.
    pub config: Descriptor,
    /// The bytes of the config.
    pub config_bytes: Vec<u8>,
    /// Small layers that only this form of the artifact has.
    pub blobs: Vec<(Descriptor, Vec<u8>)>,
}

impl Documents {
    /// The documents for a new `manifest`, whose config has the bytes `config_bytes`.
    pub(super) fn new(config_bytes: Vec<u8>, manifest: Manifest) -> Self {
        let manifest_bytes = manifest.to_bytes();
        let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &manifest_bytes);
        let descriptor = Descriptor { artifact_type: manifest.artifact_type, ..descriptor };
        Self { manifest: descriptor, manifest_bytes, config: manifest.config, config_bytes, blobs: Vec::new() }
    }

    /// The publication of the manifest with the tag `tag`, if it gets one. It includes the config and the layers that
    /// only this form has, but no others.
    pub fn publication<'a>(&'a self, tag: Option<&'a str>) -> Publication<'a> {
        let config = (&self.config, &self.config_bytes as &dyn Content);
        let blobs = self.blobs.iter().map(|(blob, bytes)| (blob, bytes as &dyn Content));
        let documents = std::iter::once(config).chain(blobs).collect();
        Publication { descriptor: &self.manifest, manifest: &self.manifest_bytes, tag, documents }
    }
}
