//! The keys whose signatures count, and the signer that they identify.

use std::fmt;

use super::bundle::Material;
use super::key::{BadSignature, KeyName, PublicKey};

/// The signer of a document, after its signature was verified.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signer {
    /// The owner of a key.
    Key(KeyName),
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(name) => name.fmt(f),
        }
    }
}

/// An owner of signatures that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verifier {
    /// The owner of a key.
    Key(PublicKey),
}

/// The reason why a signature is not one of a verifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// The signature of another key, or of other bytes.
    #[error("signed by another key, or changed afterwards{}", hinted(.hint.as_deref()))]
    Key {
        /// The hint in the bundle, which may be wrong.
        hint: Option<String>,
    },
    /// There is no verifier.
    #[error("no key was given")]
    NoVerifier,
    /// A signature with a certificate, but only keys count.
    #[error("signed with a certificate, not with a key")]
    HasCertificate,
}

fn hinted(hint: Option<&str>) -> String {
    const SHOWN: usize = 8;
    let Some(hint) = hint else { return String::new() };
    let shown: String = hint.chars().take(SHOWN).collect();
    let rest = if hint.chars().count() > SHOWN { "…" } else { "" };
    format!("; its hint is {shown}{rest}")
}

impl Verifier {
    /// Verifies the `signature` of `message` that came with this material, and returns the signer.
    pub fn verify(&self, material: &Material, message: &[u8], signature: &[u8]) -> Result<Signer, NotVerified> {
        match (self, material) {
            (Self::Key(key), Material::PublicKey { hint }) => match key.verify(message, signature) {
                Ok(()) => Ok(Signer::Key(key.name())),
                Err(BadSignature) => Err(NotVerified::Key { hint: hint.clone() }),
            },
            (Self::Key(_), Material::Certificate(_) | Material::Chain(_)) => Err(NotVerified::HasCertificate),
        }
    }
}
