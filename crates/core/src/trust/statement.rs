//! In-toto statements: a predicate about subjects, which are identified by digests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::json::{JsonError, read_json};
use crate::digest::Digest;
use crate::oci::Annotations;

/// The type of a statement that is written.
pub const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";

/// The type of an older statement, which is read as well: `cosign attest` writes it.
const STATEMENT_V01: &str = "https://in-toto.io/Statement/v0.1";

/// The type of the predicate of a plain signature. A statement with another predicate is an attestation.
pub const PLAIN_SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";

/// The algorithm of the digest of a ModelKit in a statement.
const SHA256: &str = "sha256";

/// An in-toto statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    version: String,
    /// The things that the predicate is about.
    #[serde(default)]
    pub subject: Vec<StatementSubject>,
    /// The type of the predicate, a URI.
    pub predicate_type: String,
    /// The predicate, with the order of members and the numbers of the document.
    #[serde(default)]
    pub predicate: Value,
}

/// A subject of a statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatementSubject {
    /// The name, which is not verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The digests: algorithm and lower-case hexadecimal digits.
    #[serde(default)]
    pub digest: BTreeMap<String, String>,
    /// The annotations. Those of `kit` and cosign are strings.
    #[serde(default, skip_serializing_if = "Map::is_empty", deserialize_with = "null_is_empty")]
    pub annotations: Map<String, Value>,
}

/// The reason why a statement cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not the JSON of a statement.
    #[error("its statement is not valid")]
    NotValid(#[source] JsonError),
    /// A version that is not known.
    #[error("its statement has the type `{0}`, which this version of kit does not support")]
    UnknownType(String),
    /// A SHA-256 digest of another form.
    #[error("its statement has a digest that is not 64 lower-case hexadecimal digits")]
    InvalidDigest,
}

impl Statement {
    /// The statement of a plain signature of the manifest `subject`.
    pub fn of_signature(subject: &Digest, annotations: &Annotations) -> Self {
        let predicate = Value::Object(Map::new());
        Self::new(StatementSubject::of(None, subject, annotations), PLAIN_SIGNATURE, predicate)
    }

    /// The statement of an attestation of the manifest `subject` in the repository `name`.
    pub fn of_attestation(subject: &Digest, name: Option<String>, predicate_type: &str, predicate: Value) -> Self {
        Self::new(StatementSubject::of(name, subject, &Annotations::new()), predicate_type, predicate)
    }

    /// A statement about one subject.
    pub fn new(subject: StatementSubject, predicate_type: &str, predicate: Value) -> Self {
        let version = STATEMENT_V1.to_owned();
        Self { version, subject: vec![subject], predicate_type: predicate_type.to_owned(), predicate }
    }

    /// Reads a statement.
    pub fn read(bytes: &[u8]) -> Result<Self, StatementError> {
        let statement: Self = read_json(bytes).map_err(StatementError::NotValid)?;
        if ![STATEMENT_V1, STATEMENT_V01].contains(&statement.version.as_str()) {
            return Err(StatementError::UnknownType(statement.version));
        }
        let digests = statement.subject.iter().filter_map(|subject| subject.digest.get(SHA256));
        if digests.into_iter().any(|hex| Digest::from_hex(hex).is_none()) {
            return Err(StatementError::InvalidDigest);
        }
        Ok(statement)
    }

    /// The compact JSON of the statement.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a statement has only string keys")
    }

    /// Returns the subject that is the manifest with this digest.
    pub fn subject_of(&self, digest: &Digest) -> Option<&StatementSubject> {
        self.subject.iter().find(|subject| subject.sha256() == Some(*digest))
    }

    /// Returns the SHA-256 digests of the subjects.
    pub fn digests(&self) -> impl Iterator<Item = Digest> {
        self.subject.iter().filter_map(StatementSubject::sha256)
    }
}

impl StatementSubject {
    fn of(name: Option<String>, digest: &Digest, annotations: &Annotations) -> Self {
        let annotations = annotations.iter().map(|(key, value)| (key.clone(), Value::String(value.clone())));
        let digest = BTreeMap::from([(SHA256.to_owned(), digest.hex())]);
        Self { name, digest, annotations: annotations.collect() }
    }

    /// The SHA-256 digest, if the subject has one.
    pub fn sha256(&self) -> Option<Digest> {
        self.digest.get(SHA256).and_then(|hex| Digest::from_hex(hex))
    }

    /// The annotations whose values are strings.
    pub fn texts(&self) -> Annotations {
        let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        self.annotations.iter().filter_map(text).collect()
    }
}

fn null_is_empty<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Map<String, Value>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
