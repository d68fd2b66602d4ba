//! DSSE envelopes: a payload with its type, and a signature of both (Dead Simple Signing Envelope 1.0).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

use super::json::{JsonError, read_json};
use super::key::{KeyError, PrivateKey};

/// The type of the payload that is an in-toto statement.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// An envelope with one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The bytes that are signed, together with their type.
    pub payload: Vec<u8>,
    /// The type of the payload.
    pub payload_type: String,
    /// The signature.
    pub signature: Vec<u8>,
}

/// The reason why an envelope cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not the JSON of an envelope.
    #[error("it is not a valid envelope")]
    NotValid(#[source] JsonError),
    /// Base64 that is not valid.
    #[error("its {0} is not valid base64")]
    NotBase64(&'static str),
    /// Another number of signatures than one.
    #[error("its envelope has {0} signatures instead of one")]
    Signatures(usize),
}

/// The JSON of an envelope.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    payload: String,
    payload_type: String,
    #[serde(default)]
    signatures: Vec<SignatureDocument>,
}

/// A signature in the JSON of an envelope. `keyid` is neither read nor written: cosign refuses one that it does not
/// know.
#[derive(Serialize, Deserialize)]
struct SignatureDocument {
    sig: String,
}

impl Envelope {
    /// Reads an envelope that is not part of a bundle.
    pub fn read(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        read_json::<Document>(bytes).map_err(EnvelopeError::NotValid)?.try_into()
    }

    /// Signs a `payload` of this type.
    pub fn sign(payload: Vec<u8>, payload_type: &str, key: &PrivateKey) -> Result<Self, KeyError> {
        let signature = key.sign(&pre_authentication_encoding(payload_type, &payload))?;
        Ok(Self { payload, payload_type: payload_type.to_owned(), signature })
    }

    /// The bytes that the signature is of.
    pub fn signed_bytes(&self) -> Vec<u8> {
        pre_authentication_encoding(&self.payload_type, &self.payload)
    }

    pub(super) fn to_document(&self) -> Document {
        let signatures = vec![SignatureDocument { sig: STANDARD.encode(&self.signature) }];
        Document { payload: STANDARD.encode(&self.payload), payload_type: self.payload_type.clone(), signatures }
    }
}

impl TryFrom<Document> for Envelope {
    type Error = EnvelopeError;

    fn try_from(document: Document) -> Result<Self, EnvelopeError> {
        let [signature] = &document.signatures[..] else {
            return Err(EnvelopeError::Signatures(document.signatures.len()));
        };
        Ok(Self {
            payload: decode_base64(&document.payload).ok_or(EnvelopeError::NotBase64("payload"))?,
            payload_type: document.payload_type,
            signature: decode_base64(&signature.sig).ok_or(EnvelopeError::NotBase64("signature"))?,
        })
    }
}

/// The pre-authentication encoding (PAE) of DSSE: the bytes that are signed.
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// Decodes base64 in the standard or the URL-safe alphabet, padded.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}
