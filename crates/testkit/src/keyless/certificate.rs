//! Keys, and certificates of them.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use sha2::{Digest, Sha256};

use super::der::{bits, ecdsa, integer, octets, oid, sequence, set, text, value};

/// A key of ECDSA P-256.
pub(super) struct Key(EcdsaKeyPair);

impl Key {
    pub(super) fn new() -> Self {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a new key");
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random);
        Self(key.expect("the key that was just made"))
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec()
    }

    /// The DER of the public key.
    pub(super) fn spki(&self) -> Vec<u8> {
        let algorithm = sequence(&[&oid("1.2.840.10045.2.1"), &oid("1.2.840.10045.3.1.7")]);
        sequence(&[&algorithm, &bits(self.0.public_key().as_ref())])
    }

    /// The identifier of the key in logs.
    pub(super) fn id(&self) -> Vec<u8> {
        Sha256::digest(self.spki()).to_vec()
    }
}

/// The name of an authority.
pub(super) fn name(common: &str) -> Vec<u8> {
    sequence(&[&set(&[&sequence(&[&oid("2.5.4.3"), &text(common)])])])
}

/// The part of a certificate that is signed.
pub(super) struct Body<'a> {
    pub(super) serial: u8,
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    /// Two times of the form `240601120000Z`.
    pub(super) valid: [String; 2],
    pub(super) key: &'a Key,
    pub(super) extensions: Vec<Vec<u8>>,
}

impl Body<'_> {
    pub(super) fn to_der(&self) -> Vec<u8> {
        let [start, end] = self.valid.each_ref().map(|time| value(0x17, time.as_bytes()));
        let extensions: Vec<_> = self.extensions.iter().map(Vec::as_slice).collect();
        sequence(&[
            &value(0xa0, &integer(2)),
            &integer(self.serial),
            &ecdsa(),
            self.issuer,
            &sequence(&[&start, &end]),
            self.subject,
            &self.key.spki(),
            &value(0xa3, &sequence(&extensions)),
        ])
    }

    /// The certificate, signed by the key of its issuer.
    pub(super) fn sign(&self, issuer: &Key) -> Vec<u8> {
        let body = self.to_der();
        let signature = issuer.sign(&body);
        sequence(&[&body, &ecdsa(), &bits(&signature)])
    }
}

pub(super) fn extension(kind: &str, content: &[u8]) -> Vec<u8> {
    sequence(&[&oid(kind), &octets(content)])
}

fn critical(kind: &str, content: &[u8]) -> Vec<u8> {
    sequence(&[&oid(kind), &value(1, &[0xff]), &octets(content)])
}

/// The extensions of an authority.
pub(super) fn of_authority() -> Vec<Vec<u8>> {
    let constraints = sequence(&[&value(1, &[0xff])]);
    vec![critical("2.5.29.19", &constraints), critical("2.5.29.15", &value(3, &[1, 6]))]
}

/// The extensions of a certificate whose key is for this purpose.
pub(super) fn of_signer(purpose: &str) -> Vec<Vec<u8>> {
    vec![critical("2.5.29.15", &value(3, &[7, 0x80])), critical("2.5.29.37", &sequence(&[&oid(purpose)]))]
}

/// The alternative name of a signer: a URI or an e-mail address.
pub(super) fn of_identity(identity: &str) -> Vec<u8> {
    let tag = if identity.contains("://") { 0x86 } else { 0x81 };
    critical("2.5.29.17", &sequence(&[&value(tag, identity.as_bytes())]))
}
