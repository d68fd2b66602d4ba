//! The descriptor: what content is, by media type, digest and size (image-spec 1.1, "Content Descriptors").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::media_type::MediaType;
use crate::digest::Digest;

/// Annotations, in the order of their keys so that equal ones give equal bytes.
pub type Annotations = BTreeMap<String, String>;

/// Names content and says what it is. Two descriptors are about the same bytes when their digests are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the bytes are.
    pub media_type: MediaType,
    /// What the artifact is, on descriptors of manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// The name of the bytes.
    pub digest: Digest,
    /// How many bytes.
    pub size: u64,
    /// Free annotations.
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
