//! The keys whose signatures count, and the signer that they identify.

use std::fmt;

use super::bundle::{Evidence, Material};
use super::certificate::{CertificateError, CertificateIdentity, Identity};
use super::envelope::Envelope;
use super::key::{BadSignature, KeyName, PublicKey};
use super::keyless::{KeylessError, KeylessIdentity};

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
    /// The owner of a certificate of a private authority.
    Identity(Box<Identity>),
    /// The owner of a certificate of a service that publishes what it issues, such as Fulcio.
    Keyless(Box<KeylessIdentity>),
}

/// A signature with the documents that came with it. None of them is verified.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The material that identifies the signer.
    pub material: &'a Material,
    /// The evidence of the time of the signature.
    pub evidence: &'a Evidence,
    /// The signed bytes, and the signature.
    pub content: Content<'a>,
}

/// The bytes that are signed, in the form in which they were signed.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// A statement in an envelope.
    Envelope(&'a Envelope),
    /// A payload of simple signing.
    Payload {
        /// The payload.
        bytes: &'a [u8],
        /// Its signature.
        signature: &'a [u8],
    },
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
    /// A signature of an identity that is not proven.
    #[error("its keyless signature does not count")]
    Keyless(#[source] KeylessError),
}

fn hinted(hint: Option<&str>) -> String {
    const SHOWN: usize = 8;
    let Some(hint) = hint else { return String::new() };
    let shown: String = hint.chars().take(SHOWN).collect();
    let rest = if hint.chars().count() > SHOWN { "…" } else { "" };
    format!("; its hint is {shown}{rest}")
}

impl Verifier {
    /// Verifies a signature, and returns the signer.
    pub fn verify(&self, presented: &Presented<'_>) -> Result<Signer, NotVerified> {
        match (self, presented.material) {
            (Self::Key(key), material) => match (presented.content.verify(key), material) {
                (Ok(()), _) => Ok(Signer::Key(key.name())),
                (Err(_), Material::PublicKey { hint }) => Err(NotVerified::Key { hint: hint.clone() }),
                (Err(_), Material::Certificate(_) | Material::Chain(_)) => Err(NotVerified::HasCertificate),
            },
            (Self::Identity(_) | Self::Keyless(_), Material::PublicKey { .. }) => Err(NotVerified::HasKey),
            (Self::Identity(identity), Material::Certificate(leaf)) => {
                of_identity(identity, std::slice::from_ref(leaf), &presented.content)
            }
            (Self::Identity(identity), Material::Chain(chain)) => of_identity(identity, chain, &presented.content),
            (Self::Keyless(identity), Material::Certificate(leaf)) => {
                of_keyless(identity, std::slice::from_ref(leaf), presented)
            }
            (Self::Keyless(identity), Material::Chain(chain)) => of_keyless(identity, chain, presented),
        }
    }
}

impl Content<'_> {
    fn verify(&self, key: &PublicKey) -> Result<(), BadSignature> {
        match self {
            Self::Envelope(envelope) => key.verify(&envelope.signed_bytes(), &envelope.signature),
            Self::Payload { bytes, signature } => key.verify(bytes, signature),
        }
    }
}

fn of_identity(identity: &Identity, chain: &[Vec<u8>], content: &Content<'_>) -> Result<Signer, NotVerified> {
    let (key, signer) = identity.check(chain).map_err(NotVerified::Certificate)?;
    content.verify(&key).map_err(NotVerified::CertificateKey)?;
    Ok(Signer::Identity(signer))
}

fn of_keyless(identity: &KeylessIdentity, chain: &[Vec<u8>], presented: &Presented<'_>) -> Result<Signer, NotVerified> {
    let signer = match presented.content {
        Content::Envelope(envelope) => identity.check(chain, presented.evidence, envelope),
        Content::Payload { bytes, signature } => identity.check_payload(chain, presented.evidence, (bytes, signature)),
    };
    signer.map(Signer::Identity).map_err(NotVerified::Keyless)
}
