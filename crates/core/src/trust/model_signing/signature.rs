//! The signature of a folder: a bundle with a statement of a model.

use super::error::ModelStatementError;
use super::statement::ModelStatement;
use crate::digest::Digest;
use crate::trust::bundle::{Bundle, BundleError, Evidence, Material};
use crate::trust::envelope::{Envelope, IN_TOTO};
use crate::trust::key::PublicKey;
use crate::trust::verifier::{Content, NotVerified, Presented, Signer, Verifier};

/// The signature of the files of a model, after it was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSignature {
    /// The signer.
    pub signer: Signer,
    /// The files that were signed.
    pub statement: ModelStatement,
}

/// The reason why the signature of the files of a model does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelSignatureError {
    /// Not a bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The signature of another signer.
    #[error(transparent)]
    NotVerified(#[from] NotVerified),
    /// A signature that names another key.
    #[error("it names another key: its hint is {0}")]
    OtherKey(String),
    /// Not a list of files that is accepted.
    #[error(transparent)]
    Statement(#[from] ModelStatementError),
}

/// The hint in the bundle of a folder: the digest of the PEM of the key.
pub fn model_hint(key: &PublicKey) -> String {
    Digest::of(key.to_pem().as_bytes()).hex()
}

impl ModelSignature {
    /// Reads a bundle and verifies that one of `verifiers` signed it.
    pub fn read(bundle: &[u8], verifiers: &[Verifier]) -> Result<Self, ModelSignatureError> {
        let Bundle { material, evidence, envelope } = Bundle::read(bundle)?;
        Self::of_envelope(&envelope, (&material, &evidence), verifiers)
    }

    /// Verifies that one of `verifiers` signed `envelope`, which came with this material and evidence. If none did, the
    /// error is that of the first.
    pub fn of_envelope(
        envelope: &Envelope,
        (material, evidence): (&Material, &Evidence),
        verifiers: &[Verifier],
    ) -> Result<Self, ModelSignatureError> {
        if envelope.payload_type != IN_TOTO {
            return Err(ModelStatementError::PayloadType(envelope.payload_type.clone()).into());
        }
        let mut failure: ModelSignatureError = NotVerified::NoVerifier.into();
        for verifier in verifiers.iter().rev() {
            match verify(verifier, &Presented { material, evidence, content: Content::Envelope(envelope) }) {
                Ok(signer) => return Ok(Self { signer, statement: ModelStatement::of(envelope)? }),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

/// Verifies the signature. Unlike in the bundle of a ModelKit, a hint of another key is an error.
fn verify(verifier: &Verifier, presented: &Presented<'_>) -> Result<Signer, ModelSignatureError> {
    let signer = verifier.verify(presented)?;
    match (verifier, presented.material) {
        (Verifier::Key(key), Material::PublicKey { hint: Some(hint) })
            if ![model_hint(key), key.hint()].contains(hint) =>
        {
            Err(ModelSignatureError::OtherKey(hint.clone()))
        }
        _ => Ok(signer),
    }
}
