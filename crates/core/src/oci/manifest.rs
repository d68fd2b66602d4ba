//! The image manifest: a config and layers (image-spec 1.1, "Image Manifest").

use std::collections::HashSet;

use serde::{Deserialize, Deserializer, Serialize};

use super::descriptor::{Annotations, Descriptor};
use super::json_text::without_bom;
use super::media_type::MediaType;

/// An image manifest. It is encoded once and then transferred as these bytes, never re-encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    schema_version: SchemaVersion,
    /// The media type of the manifest itself; older tools leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// The type of the artifact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// The config blob.
    pub config: Descriptor,
    /// The layer blobs. `null`, which KitOps writes if there are none, is read as empty.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub layers: Vec<Descriptor>,
    /// The manifest that this one refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Arbitrary annotations.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

/// The number 2, the only schema version (image-spec 1.1, "schemaVersion").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub(super) struct SchemaVersion;

impl TryFrom<u64> for SchemaVersion {
    type Error = String;

    fn try_from(version: u64) -> Result<Self, String> {
        if version == 2 { Ok(Self) } else { Err(format!("schema version {version} is not supported, only version 2")) }
    }
}

impl From<SchemaVersion> for u64 {
    fn from(_: SchemaVersion) -> Self {
        2
    }
}

pub(super) fn null_is_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl Manifest {
    /// A manifest of `artifact_type`, without annotations.
    pub fn new(artifact_type: MediaType, config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: SchemaVersion,
            media_type: Some(MediaType::IMAGE_MANIFEST),
            artifact_type: Some(artifact_type),
            config,
            layers,
            subject: None,
            annotations: Annotations::new(),
        }
    }

    /// Parses a manifest; unknown members and a byte order mark are ignored.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(without_bom(bytes))
    }

    /// The compact JSON whose digest identifies the manifest.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest has only string keys and finite numbers")
    }

    /// The blobs of the manifest, config first, each digest once.
    pub fn blobs(&self) -> impl Iterator<Item = &Descriptor> {
        let mut seen = HashSet::new();
        std::iter::once(&self.config).chain(&self.layers).filter(move |blob| seen.insert(blob.digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn a_manifest_of_kitops_without_layers_is_read() {
        let config = Descriptor::of(MediaType::of("c"), b"{}");
        let text = serde_json::json!({ "schemaVersion": 2, "config": config, "layers": null }).to_string();
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(manifest.layers, []);
        assert_eq!(manifest.config, config);
    }

    #[test]
    fn the_members_keep_the_order_of_the_specification() {
        let config = Descriptor::of(MediaType::of("c"), b"");
        let manifest = Manifest::new(MediaType::of("a"), config.clone(), vec![config]);
        let blob = format!(r#"{{"mediaType":"c","digest":"{}","size":0}}"#, Digest::of(b""));
        let expected = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","artifactType":"a","config":{blob},"layers":[{blob}]}}"#,
            MediaType::IMAGE_MANIFEST,
        );
        assert_eq!(String::from_utf8(manifest.to_bytes()).unwrap(), expected);
        assert_eq!(manifest.blobs().count(), 1);
    }

    #[test]
    fn another_schema_version_is_refused() {
        let error = Manifest::parse(br#"{"schemaVersion":1}"#).unwrap_err();
        assert!(error.to_string().contains("schema version 1 is not supported"), "{error}");
    }
}
