//! The keys whose signatures count, and the signer that they identify.

use std::fmt;

use super::bundle::Material;
use super::certificate::{CertificateError, CertificateIdentity, Identity};
use super::key::{BadSignature, KeyName, PublicKey};

/// The signer of a document, after its signature was verified.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signer {
    /// The owner of a key.
    Key(KeyName),
    /// The owner of a certificate.
    Identity(CertificateIdentity),
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(name) => name.fmt(f),
            Self::Identity(identity) => identity.fmt(f),
        }
    }
}

/// An owner of signatures that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verifier {
    /// The owner of a key.
    Key(PublicKey),
    /// The owner of a certificate.
    Identity(Box<Identity>),
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
    /// A signature with a certificate, which is not by a key that counts.
    #[error("signed with a certificate of another key")]
    HasCertificate,
    /// A signature with a key, but only certificates count.
    #[error("signed with a key, not with a certificate")]
    HasKey,
    /// A certificate that does not count.
    #[error("signed with a certificate that does not count")]
    Certificate(#[source] CertificateError),
    /// A signature that is not of the certificate.
    #[error("signed by another key than that of its certificate, or changed afterwards")]
    CertificateKey(#[source] BadSignature),
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
            (Self::Key(key), material) => match (key.verify(message, signature), material) {
                (Ok(()), _) => Ok(Signer::Key(key.name())),
                (Err(_), Material::PublicKey { hint }) => Err(NotVerified::Key { hint: hint.clone() }),
                (Err(_), Material::Certificate(_) | Material::Chain(_)) => Err(NotVerified::HasCertificate),
            },
            (Self::Identity(_), Material::PublicKey { .. }) => Err(NotVerified::HasKey),
            (Self::Identity(identity), Material::Certificate(leaf)) => {
                of_identity(identity, std::slice::from_ref(leaf), message, signature)
            }
            (Self::Identity(identity), Material::Chain(chain)) => of_identity(identity, chain, message, signature),
        }
    }
}

fn of_identity(
    identity: &Identity,
    chain: &[Vec<u8>],
    message: &[u8],
    signature: &[u8],
) -> Result<Signer, NotVerified> {
    let (key, signer) = identity.check(chain).map_err(NotVerified::Certificate)?;
    key.verify(message, signature).map_err(NotVerified::CertificateKey)?;
    Ok(Signer::Identity(signer))
}
