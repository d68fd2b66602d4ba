//! Candidates: documents beside a manifest that may be signatures or attestations of it, and the decision whether one
//! counts.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::annotated::annotated;
use super::bundle::{Bundle, BundleError, Evidence, Material};
use super::envelope::{Envelope, EnvelopeError, IN_TOTO};
use super::key::PublicKey;
use super::simple_signing::{SimpleSigning, SimpleSigningError};
use super::statement::{PLAIN_SIGNATURE, Statement, StatementError};
use super::verifier::{Content, NotVerified, Presented, Signer, Verifier};
use crate::digest::Digest;
use crate::oci::Annotations;

/// The form in which a signature or an attestation is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// A Sigstore bundle in a referrer.
    Bundle,
    /// A layer of the referrer that cosign 2 writes with `--registry-referrers-mode=oci-1-1`.
    LegacyReferrer,
    /// A layer of the manifest with the tag `sha256-<hex>.sig` or `.att`.
    Legacy,
}

impl Form {
    /// The word in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::LegacyReferrer => "legacy-referrer",
            Self::Legacy => "legacy",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A document beside a manifest that may be a signature or an attestation of it. Nothing of it is verified.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The manifest that contains the document.
    pub manifest: Digest,
    /// The tag of this manifest, if it is not a referrer.
    pub tag: Option<String>,
    /// The form of the document.
    pub form: Form,
    /// The size of the document in bytes.
    pub size: u64,
    /// The time in the annotations of the manifest, which is not signed.
    pub created: Option<Timestamp>,
    /// The document, or the reason why it is not a signature or an attestation.
    pub document: Result<Signed, Broken>,
}

/// A document with its signature.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The material that identifies the signer.
    pub material: Material,
    /// The evidence of the time of the signature.
    pub evidence: Evidence,
    /// The signature.
    pub signature: Vec<u8>,
    /// The bytes of the document: a bundle, an envelope without one, or a payload of simple signing.
    pub bytes: Vec<u8>,
    /// The statement that is signed.
    pub claim: Claim,
    /// The envelope around the statement. A payload of simple signing has none.
    pub envelope: Option<Envelope>,
    /// The other annotations of the layer, such as the certificate of a payload of simple signing.
    pub annotations: Annotations,
}

/// The statement of a signature or an attestation.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// An in-toto statement.
    Statement(Statement),
    /// A payload of simple signing.
    Simple(SimpleSigning),
}

/// The reason why a document beside a manifest is neither a signature nor an attestation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The document or its manifest does not exist, or is damaged.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// The manifest is not valid.
    #[error("its manifest is not valid")]
    Manifest,
    /// The manifest refers to another one.
    #[error("its manifest refers to another subject")]
    OtherReferrer,
    /// Another number of layers than one.
    #[error("its manifest has {0} layers instead of one")]
    Layers(usize),
    /// A layer of another type.
    #[error("its layer has the type `{0}`")]
    LayerType(String),
    /// A layer that is too large.
    #[error("it has {size} bytes; at most {limit} are read")]
    TooLarge {
        /// The size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A payload of simple signing without a signature.
    #[error("its layer has no valid signature in an annotation")]
    NoSignature,
    /// The bundle is not valid.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The envelope is not valid.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The payload is not an in-toto statement.
    #[error("its payload has the type `{0}`, not `{IN_TOTO}`")]
    PayloadType(String),
    /// The statement is not valid.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The payload of simple signing is not valid.
    #[error(transparent)]
    SimpleSigning(#[from] SimpleSigningError),
}

/// The reason why a candidate does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCounted {
    /// It is neither a signature nor an attestation.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// No verifier accepts the signature.
    #[error(transparent)]
    NotVerified(#[from] NotVerified),
    /// A valid signature of another manifest.
    #[error("it is of {}", of(.0.as_ref()))]
    OtherSubject(Option<Digest>),
    /// A valid signature of a statement with another predicate.
    #[error("it is not a signature, but an attestation of the type `{0}`")]
    Attestation(String),
    /// A valid signature of a statement with another predicate than the requested one.
    #[error("its type is `{0}`")]
    OtherPredicate(String),
    /// A valid signature without an annotation that was asked for.
    #[error("it has no annotation `{0}`")]
    Annotation(String),
    /// A signed list of files that is not that of the ModelKit.
    #[error("it lists other files: {0}")]
    Files(String),
}

fn of(digest: Option<&Digest>) -> String {
    digest.map_or_else(|| "no manifest".to_owned(), Digest::to_string)
}

/// The signature or the attestation that is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The manifest.
    pub subject: Digest,
    /// The type of the predicate.
    pub predicate_type: String,
    /// Annotations that it must have.
    pub annotations: Annotations,
}

impl Wanted {
    /// A plain signature of `subject`.
    pub fn signature(subject: Digest) -> Self {
        Self::attestation(subject, PLAIN_SIGNATURE)
    }

    /// An attestation of `subject`.
    pub fn attestation(subject: Digest, predicate_type: &str) -> Self {
        Self { subject, predicate_type: predicate_type.to_owned(), annotations: Annotations::new() }
    }
}

impl Candidate {
    /// Decides if the candidate is what is `wanted`, signed by one of `verifiers`, and returns the signer.
    pub fn judge(&self, verifiers: &[Verifier], wanted: &Wanted) -> Result<Signer, NotCounted> {
        let document = self.document.as_ref().map_err(Clone::clone)?;
        let (signer, claim) = (document.verify(verifiers)?, &document.claim);
        if !claim.is_about(&wanted.subject) {
            return Err(NotCounted::OtherSubject(claim.digests().first().copied()));
        }
        let found = claim.predicate_type();
        if found != wanted.predicate_type {
            let is_attestation = wanted.predicate_type == PLAIN_SIGNATURE;
            let reason = if is_attestation { NotCounted::Attestation } else { NotCounted::OtherPredicate };
            return Err(reason(found.to_owned()));
        }
        let annotations = claim.annotations(&wanted.subject);
        match wanted.annotations.iter().find(|(key, value)| annotations.get(*key) != Some(*value)) {
            Some((key, value)) => Err(NotCounted::Annotation(format!("{key}={value}"))),
            None => Ok(signer),
        }
    }

    /// Returns true if the candidate is a statement of this type by the owner of `key`, with exactly these bytes.
    pub fn repeats(&self, key: &PublicKey, statement: &[u8]) -> bool {
        let Ok(signed) = &self.document else { return false };
        let envelope = signed.envelope.as_ref().filter(|envelope| envelope.payload == statement);
        let is_of_key = |envelope: &Envelope| key.verify(&envelope.signed_bytes(), &signed.signature).is_ok();
        self.form == Form::Bundle && envelope.is_some_and(is_of_key)
    }
}

impl Signed {
    /// Reads a bundle with a statement.
    pub fn of_bundle(bytes: Vec<u8>) -> Result<Self, Broken> {
        let Bundle { material, evidence, envelope } = Bundle::read(&bytes)?;
        Ok(Self { evidence, ..Self::of_envelope(bytes, envelope, material)? })
    }

    /// Reads an envelope without a bundle, whose certificate is in the `annotations` of its layer.
    pub fn of_bare_envelope(bytes: Vec<u8>, annotations: Annotations) -> Result<Self, Broken> {
        let envelope = Envelope::read(&bytes)?;
        let (material, evidence) = annotated(&annotations);
        Ok(Self { evidence, annotations, ..Self::of_envelope(bytes, envelope, material)? })
    }

    fn of_envelope(bytes: Vec<u8>, envelope: Envelope, material: Material) -> Result<Self, Broken> {
        if envelope.payload_type != IN_TOTO {
            return Err(Broken::PayloadType(envelope.payload_type));
        }
        let claim = Claim::Statement(Statement::read(&envelope.payload)?);
        let signature = envelope.signature.clone();
        let (evidence, annotations) = (Evidence::default(), Annotations::new());
        Ok(Self { material, evidence, signature, bytes, claim, envelope: Some(envelope), annotations })
    }

    /// Reads a payload of simple signing, whose `signature` and certificate are in the `annotations` of its layer.
    pub fn of_payload(bytes: Vec<u8>, signature: Vec<u8>, annotations: Annotations) -> Result<Self, Broken> {
        let claim = Claim::Simple(SimpleSigning::read(&bytes)?);
        let (material, evidence) = annotated(&annotations);
        Ok(Self { material, evidence, signature, bytes, claim, envelope: None, annotations })
    }

    /// Returns the signer, if one of `verifiers` accepts the signature. The statement may be about anything.
    pub fn verify(&self, verifiers: &[Verifier]) -> Result<Signer, NotVerified> {
        let mut reason = NotVerified::NoVerifier;
        for verifier in verifiers {
            match verifier.verify(&self.presented()) {
                Ok(signer) => return Ok(signer),
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    fn presented(&self) -> Presented<'_> {
        let payload = || Content::Payload { bytes: &self.bytes, signature: &self.signature };
        let content = self.envelope.as_ref().map_or_else(payload, Content::Envelope);
        Presented { material: &self.material, evidence: &self.evidence, content }
    }
}

impl Claim {
    /// The type of the predicate. Simple signing knows plain signatures only.
    pub fn predicate_type(&self) -> &str {
        match self {
            Self::Statement(statement) => &statement.predicate_type,
            Self::Simple(_) => PLAIN_SIGNATURE,
        }
    }

    /// The predicate, if there is one.
    pub fn predicate(&self) -> Option<&Value> {
        match self {
            Self::Statement(statement) => Some(&statement.predicate),
            Self::Simple(_) => None,
        }
    }

    /// Returns true if the claim is about the manifest `subject`.
    pub fn is_about(&self, subject: &Digest) -> bool {
        self.digests().contains(subject)
    }

    /// The manifests that the claim is about.
    pub fn digests(&self) -> Vec<Digest> {
        match self {
            Self::Statement(statement) => statement.digests().collect(),
            Self::Simple(payload) => vec![payload.manifest],
        }
    }

    /// The annotations of the manifest `subject`.
    pub fn annotations(&self, subject: &Digest) -> Annotations {
        match self {
            Self::Statement(statement) => {
                statement.subject_of(subject).map(super::StatementSubject::texts).unwrap_or_default()
            }
            Self::Simple(payload) => payload.annotations.clone(),
        }
    }

    /// The repository that the signer named, which is not verified.
    pub fn repository(&self) -> Option<&str> {
        match self {
            Self::Statement(_) => None,
            Self::Simple(payload) => Some(&payload.repository).filter(|name| !name.is_empty()).map(String::as_str),
        }
    }
}
