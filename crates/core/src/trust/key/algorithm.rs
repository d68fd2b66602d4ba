//! The algorithms of keys. The algorithm of a key decides how it signs; a document never does.

use std::fmt;

use pkcs8::ObjectIdentifier;
use spki::{AlgorithmIdentifierRef, der};

use super::error::KeyError;

pub(super) const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// An algorithm together with its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// ECDSA on the curve P-256, with SHA-256; signatures are ASN.1 DER.
    EcdsaP256,
    /// ECDSA on the curve P-384, with SHA-384; signatures are ASN.1 DER.
    EcdsaP384,
    /// Pure Ed25519.
    Ed25519,
    /// RSA, PKCS#1 v1.5, with SHA-256.
    Rsa {
        /// The bits of the modulus.
        bits: usize,
    },
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EcdsaP256 => f.write_str("ecdsa-p256"),
            Self::EcdsaP384 => f.write_str("ecdsa-p384"),
            Self::Ed25519 => f.write_str("ed25519"),
            Self::Rsa { bits } => write!(f, "rsa-{bits}"),
        }
    }
}

/// The algorithm of a key document, before the key itself was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Curve(Curve),
    Ed25519,
    Rsa,
}

/// A curve for ECDSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl Curve {
    pub(super) fn of(curve: ObjectIdentifier) -> Result<Self, KeyError> {
        match curve {
            P256 => Ok(Self::P256),
            P384 => Ok(Self::P384),
            P521 => Err(KeyError::Unsupported("ECDSA keys on the curve P-521".to_owned())),
            other => Err(KeyError::Unsupported(format!("ECDSA keys on the curve {other}"))),
        }
    }

    pub(super) fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::EcdsaP256,
            Self::P384 => Algorithm::EcdsaP384,
        }
    }

    pub(super) fn identifier(self) -> ObjectIdentifier {
        match self {
            Self::P256 => P256,
            Self::P384 => P384,
        }
    }

    /// The bytes of an uncompressed point (SEC 1, section 2.3.3).
    pub(super) fn point_bytes(self) -> usize {
        match self {
            Self::P256 => 65,
            Self::P384 => 97,
        }
    }
}

impl Family {
    pub(super) fn of(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Self, KeyError> {
        match algorithm.oid {
            EC => Curve::of(algorithm.parameters_oid().map_err(|_| KeyError::Damaged)?).map(Self::Curve),
            ED25519 if algorithm.parameters.is_none() => Ok(Self::Ed25519),
            RSA if algorithm.parameters == Some(der::asn1::AnyRef::NULL) => Ok(Self::Rsa),
            ED25519 | RSA => Err(KeyError::Damaged),
            other => Err(KeyError::Unsupported(format!("keys of the algorithm {other}"))),
        }
    }

    /// The identifier and the parameters in a document (RFC 5480, RFC 8410, RFC 8017).
    pub(super) fn identifier(self) -> (ObjectIdentifier, Parameters) {
        match self {
            Self::Curve(curve) => (EC, Parameters::Curve(curve.identifier())),
            Self::Ed25519 => (ED25519, Parameters::Absent),
            Self::Rsa => (RSA, Parameters::Null),
        }
    }
}

/// The parameters of an algorithm identifier.
pub(super) enum Parameters {
    Curve(ObjectIdentifier),
    Null,
    Absent,
}
