//! The media type of a document or blob.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A media type, as in a descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaType(Cow<'static, str>);

impl MediaType {
    /// An image manifest (image-spec 1.1, "Image Manifest").
    pub const IMAGE_MANIFEST: Self = Self::of("application/vnd.oci.image.manifest.v1+json");
    /// An image index (image-spec 1.1, "Image Index").
    pub const IMAGE_INDEX: Self = Self::of("application/vnd.oci.image.index.v1+json");

    /// The blob `{}`, for a manifest that must have a blob but has no content for it (image-spec 1.1, "Guidance for an
    /// Empty Descriptor").
    pub const EMPTY: Self = Self::of("application/vnd.oci.empty.v1+json");

    /// A media type known at compile time.
    pub const fn of(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The media type as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns true if registries serve this type under `/manifests/` and not under `/blobs/`.
    pub fn is_manifest(&self) -> bool {
        const DOCKER: [&str; 2] = [
            "application/vnd.docker.distribution.manifest.v2+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
        ];
        *self == Self::IMAGE_MANIFEST || *self == Self::IMAGE_INDEX || DOCKER.contains(&self.as_str())
    }
}

impl From<String> for MediaType {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
