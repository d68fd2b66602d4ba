//! The image index: a list of manifests (image-spec 1.1, "Image Index").

use serde::{Deserialize, Serialize};

use super::descriptor::{Annotations, Descriptor};
use super::manifest::{SchemaVersion, null_is_empty};
use super::media_type::MediaType;

/// The annotation of the time at which an artifact was made (image-spec 1.1, "Pre-Defined Annotation Keys").
pub const CREATED: &str = "org.opencontainers.image.created";

/// The annotation with the name of an entry (image-spec 1.1, "Pre-Defined Annotation Keys").
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The content of the file `oci-layout` (image-spec 1.1, "oci-layout file").
pub const LAYOUT_FILE: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// An image index, such as the `index.json` of an image layout. Its entries are descriptors or types with more fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "D: Deserialize<'de>"))]
pub struct Index<D = Descriptor> {
    schema_version: SchemaVersion,
    /// The media type of the index itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// The type of the artifact that the manifests form together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<MediaType>,
    /// The manifests, in order.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub manifests: Vec<D>,
    /// The manifest that this index refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Descriptor>,
    /// Arbitrary annotations.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Annotations::is_empty")]
    pub annotations: Annotations,
}

impl<D> Default for Index<D> {
    fn default() -> Self {
        Self {
            schema_version: SchemaVersion,
            media_type: Some(MediaType::IMAGE_INDEX),
            artifact_type: None,
            manifests: Vec::new(),
            subject: None,
            annotations: Annotations::new(),
        }
    }
}
