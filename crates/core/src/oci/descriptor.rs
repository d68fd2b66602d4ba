//! The descriptor, which identifies content by media type, digest and size (image-spec 1.1, "Content Descriptors").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::media_type::MediaType;
use crate::digest::Digest;

/// Annotations, sorted by key so that equal annotations give equal bytes.
pub type Annotations = BTreeMap<String, String>;

/// Identifies and describes content. Two descriptors refer to the same bytes if their digests are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The media type of the content.
    pub media_type: MediaType,
    /// The type of the artifact, on descriptors of manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// The digest of the content.
    pub digest: Digest,
    /// The size in bytes.
    pub size: u64,
    /// Arbitrary annotations.
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

impl Descriptor {
    /// A descriptor without annotations.
    pub fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self { media_type, artifact_type: None, digest, size, annotations: Annotations::new() }
    }

    /// Describes `bytes`.
    pub fn of(media_type: MediaType, bytes: &[u8]) -> Self {
        Self::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }
}
