//! Private keys.

use std::fmt;

use pkcs8::PrivateKeyInfo;
use pkcs8::der::Decode;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use sec1::EcPrivateKey;

use super::algorithm::{Curve, Family};
use super::encrypted::{EncryptedKey, Password};
use super::error::KeyError;
use super::pem;
use super::public::PublicKey;

/// A private key. `Debug` prints the name of its public key only.
pub struct PrivateKey {
    signing: Signing,
    public: PublicKey,
}

enum Signing {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// The content of a file with a private key.
#[derive(Debug)]
pub enum KeyFile {
    /// A key that is not encrypted.
    Plain(PrivateKey),
    /// A key that a password opens.
    Encrypted(EncryptedKey),
}

impl KeyFile {
    /// Reads the PEM of a private key.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let block = pem::read_one(text)?;
        match block.label.as_str() {
            "ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY" => {
                EncryptedKey::read(&block.content).map(Self::Encrypted)
            }
            "PRIVATE KEY" => PrivateKey::from_pkcs8(&block.content).map(Self::Plain),
            "EC PRIVATE KEY" => PrivateKey::from_sec1(&block.content, None).map(Self::Plain),
            "RSA PRIVATE KEY" => PrivateKey::from_pkcs1(&block.content).map(Self::Plain),
            "ENCRYPTED PRIVATE KEY" => Err(KeyError::EncryptedPkcs8),
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Err(KeyError::IsPublic),
            "CERTIFICATE" => Err(KeyError::IsCertificate),
            _ => Err(KeyError::NotAKey(block.label)),
        }
    }
}

impl PrivateKey {
    /// Creates an ECDSA key on the curve P-256, and returns it with the PEM of a file that `password` opens.
    pub fn create(password: &Password) -> Result<(Self, String), KeyError> {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
            .map_err(|_| KeyError::NoRandomNumbers)?;
        let key = Self::from_pkcs8(pkcs8.as_ref())?;
        Ok((key, EncryptedKey::seal(pkcs8.as_ref(), password)?.to_pem()))
    }

    /// Reads the DER of a PKCS#8 document.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfo::from_der(der).map_err(|_| KeyError::Damaged)?;
        match Family::of(&info.algorithm)? {
            Family::Curve(curve) => Self::from_sec1(info.private_key, Some(curve)),
            Family::Rsa => Self::from_pkcs1(info.private_key),
            Family::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| KeyError::Damaged)?;
                let public = PublicKey::of_private(Family::Ed25519, pair.public_key().as_ref())?;
                Ok(Self { signing: Signing::Ed25519(pair), public })
            }
        }
    }

    /// Reads the DER of an `ECPrivateKey` (RFC 5915), whose curve a PKCS#8 document names outside of it.
    fn from_sec1(der: &[u8], curve: Option<Curve>) -> Result<Self, KeyError> {
        let key = EcPrivateKey::from_der(der).map_err(|_| KeyError::Damaged)?;
        let named = key.parameters.and_then(sec1::EcParameters::named_curve).map(Curve::of).transpose()?;
        let curve = curve.or(named).ok_or(KeyError::Damaged)?;
        let public = key.public_key.ok_or(KeyError::NoPublicKey)?;
        let algorithm = match curve {
            Curve::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Curve::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
        };
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, key.private_key, public, &random)
            .map_err(|_| KeyError::Damaged)?;
        let public = PublicKey::of_private(Family::Curve(curve), pair.public_key().as_ref())?;
        Ok(Self { signing: Signing::Ecdsa(pair), public })
    }

    /// Reads the DER of an `RSAPrivateKey` (RFC 8017, appendix A.1.2).
    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        // `ring` also refuses keys of less than 2048 or more than 4096 bits.
        let pair = RsaKeyPair::from_der(der).map_err(|rejected| match rejected.to_string().as_str() {
            "TooSmall" => KeyError::Unsupported("RSA keys of less than 2048 bits".to_owned()),
            "TooLarge" => KeyError::Unsupported("private RSA keys of more than 4096 bits".to_owned()),
            _ => KeyError::Damaged,
        })?;
        let public = PublicKey::of_private(Family::Rsa, pair.public_key().as_ref())?;
        Ok(Self { signing: Signing::Rsa(Box::new(pair)), public })
    }

    /// The public key that verifies the signatures of this key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message`.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match &self.signing {
            Signing::Ecdsa(pair) => {
                pair.sign(&random, message).map(|made| made.as_ref().to_owned()).map_err(|_| KeyError::Signing)
            }
            Signing::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_owned()),
            Signing::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| KeyError::Signing)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(of {})", self.public.name())
    }
}
