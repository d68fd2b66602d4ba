//! Sigstore bundles of version 0.3: an envelope, and the material that verifies it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::envelope::{self, Envelope, EnvelopeError, decode_base64};
use super::json::{JsonError, read_json};
use crate::limits;

/// The media type of a bundle that is written.
pub const BUNDLE_MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// The other spelling of this version.
const OTHER_SPELLING: &str = "application/vnd.dev.sigstore.bundle+json;version=0.3";

/// The version before, which is read if it has a certificate: keyless signatures of 2023 and 2024 have it. Its only
/// difference is the chain of certificates, which is read in version 0.3 as well.
const EARLIER: &str = "application/vnd.dev.sigstore.bundle+json;version=0.2";

/// Returns true if a referrer or a layer of this type should be a bundle of any version.
pub fn is_bundle_type(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.dev.sigstore.bundle")
}

/// The annotation of the manifest of a bundle with the type of the predicate, as cosign 3 writes it. It is not signed.
pub const PREDICATE_TYPE_ANNOTATION: &str = "dev.sigstore.bundle.predicateType";

/// A bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The material that identifies the signer.
    pub material: Material,
    /// The evidence of the time of the signature.
    pub evidence: Evidence,
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

/// The evidence in a bundle of when the signature was made, and that it is in a public log. None of it is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The entries of transparency logs.
    pub entries: Vec<Value>,
    /// The timestamps of RFC 3161.
    pub timestamps: Vec<Value>,
    /// The place of the evidence.
    pub place: EvidencePlace,
}

/// The place where the evidence of a signature is, which decides what it has to prove.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EvidencePlace {
    /// In a bundle. Entries have a proof that a log contains them.
    #[default]
    Bundle,
    /// In the annotations of a layer of cosign 2. Entries have the promise of a log to contain them.
    Annotations,
}

/// The reason why a bundle cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Not the JSON of a bundle.
    #[error("it is not a valid bundle")]
    NotValid(#[source] JsonError),
    /// A version other than 0.3, and other than 0.2 with a certificate.
    #[error("it is a bundle of a version that this version of kit does not support{}", named(.0.as_deref()))]
    UnknownVersion(Option<String>),
    /// Another number of materials than one.
    #[error("it has not exactly one of `publicKey`, `certificate` and `x509CertificateChain`")]
    Material,
    /// A signature of plain bytes instead of a statement.
    #[error("it is a signature of plain bytes, not of a statement")]
    MessageSignature,
    /// More entries of logs or timestamps than are read.
    #[error("it has {0} log entries and timestamps; at most {limit} are read", limit = limits::BUNDLE_EVIDENCE)]
    Evidence(usize),
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
    message_signature: Option<Value>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    tlog_entries: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_verification_data: Option<TimestampsDocument>,
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
#[serde(rename_all = "camelCase")]
struct TimestampsDocument {
    rfc3161_timestamps: Option<Vec<Value>>,
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
        let version = read_json::<Versioned>(bytes).map_err(BundleError::NotValid)?.media_type;
        match version.as_deref() {
            Some(BUNDLE_MEDIA_TYPE | OTHER_SPELLING | EARLIER) => {}
            _ => return Err(BundleError::UnknownVersion(version)),
        }
        let document: Document = read_json(bytes).map_err(BundleError::NotValid)?;
        if document.message_signature.is_some() {
            return Err(BundleError::MessageSignature);
        }
        let (material, evidence) = document.verification_material.read()?;
        if version.as_deref() == Some(EARLIER) && matches!(material, Material::PublicKey { .. }) {
            return Err(BundleError::UnknownVersion(version));
        }
        let envelope = document.dsse_envelope.ok_or(BundleError::NoEnvelope)?.try_into()?;
        Ok(Self { material, evidence, envelope })
    }

    /// The compact JSON of the bundle.
    pub fn to_bytes(&self) -> Vec<u8> {
        let document = Document {
            media_type: Some(BUNDLE_MEDIA_TYPE.to_owned()),
            verification_material: MaterialDocument::of(&self.material, &self.evidence),
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
    fn of(material: &Material, evidence: &Evidence) -> Self {
        let certificate = |der: &Vec<u8>| CertificateDocument { raw_bytes: STANDARD.encode(der) };
        let present = |values: &Vec<Value>| (!values.is_empty()).then(|| values.clone());
        let timestamps = present(&evidence.timestamps);
        let document = Self {
            tlog_entries: present(&evidence.entries),
            timestamp_verification_data: timestamps.map(|all| TimestampsDocument { rfc3161_timestamps: Some(all) }),
            ..Self::default()
        };
        match material {
            Material::PublicKey { hint } => {
                Self { public_key: Some(PublicKeyDocument { hint: hint.clone() }), ..document }
            }
            Material::Certificate(der) => Self { certificate: Some(certificate(der)), ..document },
            Material::Chain(chain) => {
                let certificates = chain.iter().map(certificate).collect();
                Self { chain: Some(ChainDocument { certificates }), ..document }
            }
        }
    }

    fn read(self) -> Result<(Material, Evidence), BundleError> {
        let entries = self.tlog_entries.unwrap_or_default();
        let timestamps = self.timestamp_verification_data.and_then(|data| data.rfc3161_timestamps).unwrap_or_default();
        let count = entries.len() + timestamps.len();
        if count > limits::BUNDLE_EVIDENCE {
            return Err(BundleError::Evidence(count));
        }
        let der = |certificate: CertificateDocument| {
            decode_base64(&certificate.raw_bytes).ok_or(EnvelopeError::NotBase64("certificate"))
        };
        let material = match (self.public_key, self.certificate, self.chain) {
            (Some(key), None, None) => Material::PublicKey { hint: key.hint.filter(|hint| !hint.is_empty()) },
            (None, Some(certificate), None) => Material::Certificate(der(certificate)?),
            (None, None, Some(chain)) if !chain.certificates.is_empty() => {
                Material::Chain(chain.certificates.into_iter().map(der).collect::<Result<_, _>>()?)
            }
            _ => return Err(BundleError::Material),
        };
        Ok((material, Evidence { entries, timestamps, place: EvidencePlace::Bundle }))
    }
}
