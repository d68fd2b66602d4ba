//! The image index: a list of manifests (image-spec 1.1, "Image Index").

use serde::{Deserialize, Serialize};

use super::manifest::{SchemaVersion, null_is_empty};
use super::{Annotations, Descriptor, MediaType};

/// The name of an entry (image-spec 1.1, "Pre-Defined Annotation Keys").
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The content of the file `oci-layout` (image-spec 1.1, "oci-layout file").
pub const LAYOUT_FILE: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// An image index, as the `index.json` of an image layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    schema_version: SchemaVersion,
    /// The index's own media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// The manifests, in order.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub manifests: Vec<Descriptor>,
    /// Free annotations.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            schema_version: SchemaVersion,
            media_type: Some(MediaType::IMAGE_INDEX),
            manifests: Vec::new(),
            annotations: Annotations::new(),
        }
    }
}
