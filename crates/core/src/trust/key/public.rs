//! Public keys.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use spki::der::asn1::{AnyRef, BitStringRef, UintRef};
use spki::der::{Decode, Encode, Reader, SliceReader};
use spki::{AlgorithmIdentifier, SubjectPublicKeyInfoRef};

use super::algorithm::{Algorithm, Family, Parameters};
use super::error::KeyError;
use super::pem;
use crate::digest::Digest;

/// The bits of an RSA key that is accepted.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The bytes of an Ed25519 key (RFC 8032, section 5.1.5).
const ED25519_BYTES: usize = 32;

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: Algorithm,
    /// The DER of the `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
    spki: Vec<u8>,
    /// The key itself: an uncompressed point, 32 bytes, or the DER of an `RSAPublicKey`.
    key: Vec<u8>,
}

/// The error for a signature that does not belong to the message and the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not belong to this key and this document")]
pub struct BadSignature;

impl PublicKey {
    /// Reads the PEM of a public key.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let block = pem::read_one(text)?;
        match block.label.as_str() {
            "PUBLIC KEY" => Self::from_spki(&block.content),
            "CERTIFICATE" => Err(KeyError::IsCertificate),
            "RSA PUBLIC KEY" => Err(KeyError::Pkcs1Public),
            label if label.ends_with("PRIVATE KEY") => Err(KeyError::IsPrivate),
            _ => Err(KeyError::NotAKey(block.label)),
        }
    }

    /// Reads the DER of a `SubjectPublicKeyInfo`, as in a certificate.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| KeyError::Damaged)?;
        let family = Family::of(&info.algorithm)?;
        let key = info.subject_public_key.as_bytes().ok_or(KeyError::Damaged)?;
        Ok(Self { algorithm: checked(family, key)?, spki: der.to_owned(), key: key.to_owned() })
    }

    /// The public key of a private one, from the bytes that `ring` returns.
    pub(super) fn of_private(family: Family, key: &[u8]) -> Result<Self, KeyError> {
        let algorithm = checked(family, key)?;
        let (oid, parameters) = family.identifier();
        let parameters = match &parameters {
            Parameters::Curve(curve) => Some(AnyRef::from(curve)),
            Parameters::Null => Some(AnyRef::NULL),
            Parameters::Absent => None,
        };
        let subject_public_key = BitStringRef::from_bytes(key).map_err(|_| KeyError::Damaged)?;
        let info = SubjectPublicKeyInfoRef { algorithm: AlgorithmIdentifier { oid, parameters }, subject_public_key };
        Ok(Self { algorithm, spki: info.to_der().map_err(|_| KeyError::Damaged)?, key: key.to_owned() })
    }

    /// The algorithm of the key.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The DER of the `SubjectPublicKeyInfo`.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The PEM of the key: lines of 64 characters, with a newline at the end.
    pub fn to_pem(&self) -> String {
        pem::write("PUBLIC KEY", &self.spki)
    }

    /// The digest of the `SubjectPublicKeyInfo`, which identifies the key.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.spki)
    }

    /// The digest in the form of the hint in a bundle, as cosign writes it.
    pub fn hint(&self) -> String {
        STANDARD.encode(self.digest().bytes())
    }

    /// The short name of the key.
    pub fn name(&self) -> KeyName {
        KeyName { algorithm: self.algorithm, digest: self.digest() }
    }

    /// Verifies the `signature` of `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let algorithm: &dyn VerificationAlgorithm = match self.algorithm {
            Algorithm::EcdsaP256 => &ECDSA_P256_SHA256_ASN1,
            Algorithm::EcdsaP384 => &ECDSA_P384_SHA384_ASN1,
            Algorithm::Ed25519 => &ED25519,
            Algorithm::Rsa { .. } => &RSA_PKCS1_2048_8192_SHA256,
        };
        UnparsedPublicKey::new(algorithm, &self.key).verify(message, signature).map_err(|_| BadSignature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.name())
    }
}

/// The short name of a key: the algorithm, and the first 12 digits of the digest of the `SubjectPublicKeyInfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName {
    algorithm: Algorithm,
    digest: Digest,
}

impl KeyName {
    /// The digest of the `SubjectPublicKeyInfo`.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, &self.digest.hex()[..12])
    }
}

/// Checks the size and the form of a key, which `ring` does only when it verifies.
fn checked(family: Family, key: &[u8]) -> Result<Algorithm, KeyError> {
    match family {
        Family::Curve(curve) => match key.first() {
            Some(4) if key.len() == curve.point_bytes() => Ok(curve.algorithm()),
            Some(2 | 3) => Err(KeyError::Unsupported("compressed points of ECDSA keys".to_owned())),
            _ => Err(KeyError::Damaged),
        },
        Family::Ed25519 if key.len() == ED25519_BYTES => Ok(Algorithm::Ed25519),
        Family::Ed25519 => Err(KeyError::Damaged),
        Family::Rsa => {
            let bits = rsa_bits(key).ok_or(KeyError::Damaged)?;
            let is_supported = RSA_BITS.contains(&bits);
            let unsupported = || KeyError::Unsupported(format!("RSA keys of {bits} bits"));
            is_supported.then_some(Algorithm::Rsa { bits }).ok_or_else(unsupported)
        }
    }
}

/// The bits of the modulus of an `RSAPublicKey` (RFC 8017, appendix A.1.1).
fn rsa_bits(key: &[u8]) -> Option<usize> {
    let mut reader = SliceReader::new(key).ok()?;
    let modulus = reader.sequence(|members| {
        let modulus = UintRef::decode(members)?;
        UintRef::decode(members).map(|_exponent| modulus)
    });
    let modulus = reader.finish(modulus.ok()?).ok()?;
    let first = *modulus.as_bytes().first()?;
    Some(modulus.as_bytes().len() * 8 - first.leading_zeros() as usize)
}
