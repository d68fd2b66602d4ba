//! The certificates that a signer adds to a signature.

use super::error::CertificateError;
use super::x509::Certificate;
use crate::trust::bundle::Material;
use crate::trust::key::PublicKey;

/// The certificate of a signer, and those between it and an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateChain {
    leaf: Certificate,
    others: Vec<Certificate>,
}

impl CertificateChain {
    /// The chain of the owner of `key`, whose certificate is the first in the PEM file `leaf`. The certificates of
    /// other files follow it.
    pub fn read<'a>(
        key: &PublicKey,
        leaf: &[u8],
        others: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, CertificateError> {
        let mut first = Certificate::read_pem(leaf)?;
        let mut others = others.into_iter().map(Certificate::read_pem).collect::<Result<Vec<_>, _>>()?.concat();
        let leaf = first.remove(0);
        if leaf.public_key()? != *key {
            return Err(CertificateError::OtherKey);
        }
        others.splice(0..0, first);
        others.retain(|other| *other != leaf);
        Ok(Self { leaf, others })
    }

    /// The certificate of the signer.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The material of the signature of a ModelKit: without the root, which a verifier has, and the certificate alone
    /// if nothing is between it and the root.
    pub fn without_root(&self) -> Material {
        let others = self.others.iter().filter(|other| !other.is_self_issued());
        let chain: Vec<_> = others.map(|other| other.der().to_vec()).collect();
        let leaf = self.leaf.der().to_vec();
        if chain.is_empty() { Material::Certificate(leaf) } else { Material::Chain([vec![leaf], chain].concat()) }
    }

    /// The material of the signature of a folder, which contains all certificates.
    pub fn whole(&self) -> Material {
        let chain = [&self.leaf].into_iter().chain(&self.others);
        Material::Chain(chain.map(|certificate| certificate.der().to_vec()).collect())
    }
}
