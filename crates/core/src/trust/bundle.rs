//! Sigstore bundles of version 0.3: an envelope, and the material that verifies it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::envelope::{self, Envelope, EnvelopeError, decode_base64};
use super::json::{JsonError, read_json};

/// The media type of a bundle that is written.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// The other spelling of this version.
const OTHER_SPELLING: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";

/// Returns true if a referrer or a layer of this type should be a bundle of any version.
pub fn is_bundle_type(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.dev.sigstore.bundle")
}

/// The annotation of a manifest with a bundle that contains the type of its statement, as cosign writes it.
pub const BUNDLE_PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";

/// A bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The material that identifies the signer.
    pub material: Material,
    /// The signed statement.
    pub envelope: Envelope,
}

/// The material in a bundle that identifies the signer. None of it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Material {
    /// A public key, which is not in the bundle.
    PublicKey {
        /// A help for finding the key. It proves nothing.
        hint: Option<String>,
    },
    /// The DER of a certificate.
    Certificate(Vec<u8>),
    /// The DER of certificates, the one of the signer first.
    Chain(Vec<Vec<u8>>),
}

/// The reason why a bundle cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Not the JSON of a bundle.
    #[error("it is not a valid bundle")]
    NotValid(#[source] JsonError),
    /// A version other than 0.3.
    #[error("it is a bundle of a version that this version of kit does not support{}", named(.0.as_deref()))]
    UnknownVersion(Option<String>),
    /// Another number of materials than one.
    #[error("it has not exactly one of `publicKey`, `certificate` and `x509CertificateChain`")]
    Material,
    /// A signature of plain bytes instead of a statement.
    #[error("it is a signature of plain bytes, not of a statement")]
    MessageSignature,
    /// No envelope.
    #[error("it has no envelope")]
    NoEnvelope,
    /// The envelope is not valid.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
}

fn named(version: Option<&str>) -> String {
    version.map(|version| format!(": `{version}`")).unwrap_or_default()
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    media_type: Option<String>,
    #[serde(default)]
    verification_material: MaterialDocument,
    #[serde(skip_serializing)]
    message_signature: Option<serde_json::Value>,
    dsse_envelope: Option<envelope::Document>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MaterialDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<PublicKeyDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<CertificateDocument>,
    #[serde(rename = "x509CertificateChain", skip_serializing_if = "Option::is_none")]
    chain: Option<ChainDocument>,
}

#[derive(Serialize, Deserialize)]
struct PublicKeyDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CertificateDocument {
    raw_bytes: String,
}

#[derive(Serialize, Deserialize)]
struct ChainDocument {
    #[serde(default)]
    certificates: Vec<CertificateDocument>,
}

impl Bundle {
    /// Reads a bundle. The statement in its envelope is not read.
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        // The version first: other versions have other members.
        let document: Versioned = read_json(bytes).map_err(BundleError::NotValid)?;
        match document.media_type.as_deref() {
            Some(BUNDLE_MEDIA_TYPE | OTHER_SPELLING) => {}
            _ => return Err(BundleError::UnknownVersion(document.media_type)),
        }
        let document: Document = read_json(bytes).map_err(BundleError::NotValid)?;
        if document.message_signature.is_some() {
            return Err(BundleError::MessageSignature);
        }
        let material = document.verification_material.read()?;
        let envelope = document.dsse_envelope.ok_or(BundleError::NoEnvelope)?.try_into()?;
        Ok(Self { material, envelope })
    }

    /// The compact JSON of the bundle.
    pub fn to_bytes(&self) -> Vec<u8> {
        let document = Document {
            media_type: Some(BUNDLE_MEDIA_TYPE.to_owned()),
            verification_material: MaterialDocument::of(&self.material),
            message_signature: None,
            dsse_envelope: Some(self.envelope.to_document()),
        };
        serde_json::to_vec(&document).expect("a bundle has only string keys")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Versioned {
    media_type: Option<String>,
}

impl MaterialDocument {
    fn of(material: &Material) -> Self {
        let certificate = |der: &Vec<u8>| CertificateDocument { raw_bytes: STANDARD.encode(der) };
        match material {
            Material::PublicKey { hint } => {
                Self { public_key: Some(PublicKeyDocument { hint: hint.clone() }), ..Self::default() }
            }
            Material::Certificate(der) => Self { certificate: Some(certificate(der)), ..Self::default() },
            Material::Chain(chain) => {
                let certificates = chain.iter().map(certificate).collect();
                Self { chain: Some(ChainDocument { certificates }), ..Self::default() }
            }
        }
    }

    fn read(self) -> Result<Material, BundleError> {
        let der = |certificate: CertificateDocument| {
            decode_base64(&certificate.raw_bytes).ok_or(EnvelopeError::NotBase64("certificate"))
        };
        match (self.public_key, self.certificate, self.chain) {
            (Some(key), None, None) => Ok(Material::PublicKey { hint: key.hint.filter(|hint| !hint.is_empty()) }),
            (None, Some(certificate), None) => Ok(Material::Certificate(der(certificate)?)),
            (None, None, Some(chain)) if !chain.certificates.is_empty() => {
                Ok(Material::Chain(chain.certificates.into_iter().map(der).collect::<Result<_, _>>()?))
            }
            _ => Err(BundleError::Material),
        }
    }
}
