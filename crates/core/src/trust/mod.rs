//! Keys, signatures, attestations and policies: documents and decisions, without I/O.

mod annotated;
mod bundle;
mod candidate;
mod certificate;
#[cfg(test)]
mod documents_tests;
mod envelope;
mod json;
mod key;
mod keyless;
mod model_signing;
pub mod policy;
mod simple_signing;
mod statement;
mod verifier;
mod webhook;

pub use bundle::{
    BUNDLE_MEDIA_TYPE, Bundle, BundleError, Evidence, EvidencePlace, Material, PREDICATE_TYPE_ANNOTATION,
    is_bundle_type,
};
pub use candidate::{Broken, Candidate, Claim, Form, NotCounted, Signed, Wanted};
pub use certificate::{
    Authority, Certificate, CertificateChain, CertificateError, CertificateIdentity, Identity, Usage, ValidAt,
};
pub use envelope::{Envelope, EnvelopeError, IN_TOTO, decode_base64, pre_authentication_encoding};
pub use json::{JsonError, read_json};
pub use key::{Algorithm, BadSignature, EncryptedKey, KeyError, KeyFile, KeyName, Password, PrivateKey, PublicKey};
pub use keyless::{
    KeylessError, KeylessIdentity, PatternError, TransparencyLog, TrustedRoot, TrustedRootError, WantedIdentity,
};
pub use model_signing::{
    Comparison, FileDifference, FoundFile, FoundKind, HashType, MODEL_SIGNATURE, ModelSignature, ModelSignatureError,
    ModelStatement, ModelStatementError, SIGNATURE_FILE, SignedFile, UnsignedFiles, default_ignored, model_hint,
    model_statement,
};
pub use simple_signing::{
    COSIGN_ARTIFACT, ENVELOPE_MEDIA_TYPE, SIGNATURE_ANNOTATION, SIMPLE_SIGNING_MEDIA_TYPE, SimpleSigning,
    SimpleSigningError,
};
pub use statement::{PLAIN_SIGNATURE, STATEMENT_V1, Statement, StatementError, StatementSubject};
pub use zeroize::Zeroizing;

pub use verifier::{Content, NotVerified, Presented, Signer, Verifier};
pub use webhook::{WebhookSecretError, WebhookSecrets};
