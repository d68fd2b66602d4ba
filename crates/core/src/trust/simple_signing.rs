//! Simple signing, the form of signatures of cosign 1 and 2: a payload that names the digest of a manifest, and a
//! signature of its bytes in an annotation.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::json::{JsonError, read_json};
use crate::digest::Digest;
use crate::oci::Annotations;

/// The media type of a layer with a payload.
pub const SIMPLE_SIGNING_MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The annotation of such a layer with the signature, in base64.
pub const SIGNATURE_ANNOTATION: &str = "dev.cosignproject.cosign/signature";

/// The media type of a layer with an envelope, as cosign 2 stores attestations.
pub const ENVELOPE_MEDIA_TYPE: &str = "application/vnd.dsse.envelope.v1+json";

/// The type of the referrers in which cosign 2 stores the same layers.
pub const COSIGN_ARTIFACT: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";

/// The type in the payload.
const PAYLOAD_TYPE: &str = "cosign container image signature";

/// The payload of a signature in this form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimpleSigning {
    /// The repository that was signed. It is not verified: a copy in another registry keeps its signature.
    pub repository: String,
    /// The manifest that was signed.
    pub manifest: Digest,
    /// The annotations whose values are strings.
    pub annotations: Annotations,
}

/// The reason why a payload is not one of this form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SimpleSigningError {
    /// Not the JSON of a payload.
    #[error("its payload is not valid")]
    NotValid(#[source] JsonError),
    /// A payload of another type.
    #[error("its payload has the type `{0}`, not `{PAYLOAD_TYPE}`")]
    OtherType(String),
}

#[derive(Serialize, Deserialize)]
struct Payload {
    critical: Critical,
    #[serde(default)]
    optional: Option<Map<String, Value>>,
}

#[derive(Serialize, Deserialize)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    payload_type: String,
}

#[derive(Serialize, Deserialize)]
struct Identity {
    #[serde(rename = "docker-reference", default)]
    repository: String,
}

#[derive(Serialize, Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    manifest: Digest,
}

impl SimpleSigning {
    /// Reads a payload.
    pub fn read(bytes: &[u8]) -> Result<Self, SimpleSigningError> {
        let Payload { critical, optional } = read_json(bytes).map_err(SimpleSigningError::NotValid)?;
        if critical.payload_type != PAYLOAD_TYPE {
            return Err(SimpleSigningError::OtherType(critical.payload_type));
        }
        let text = |(key, value): (String, Value)| Some((key, value.as_str()?.to_owned()));
        Ok(Self {
            repository: critical.identity.repository,
            manifest: critical.image.manifest,
            annotations: optional.unwrap_or_default().into_iter().filter_map(text).collect(),
        })
    }

    /// The JSON whose bytes are signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let critical = Critical {
            identity: Identity { repository: self.repository.clone() },
            image: Image { manifest: self.manifest },
            payload_type: PAYLOAD_TYPE.to_owned(),
        };
        let annotations = self.annotations.iter().map(|(key, value)| (key.clone(), Value::String(value.clone())));
        let optional = (!self.annotations.is_empty()).then(|| annotations.collect());
        serde_json::to_vec(&Payload { critical, optional }).expect("a payload has only string keys")
    }
}
