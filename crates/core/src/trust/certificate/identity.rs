//! Signers that a certificate identifies.

use std::fmt;

use super::authority::{Authority, Usage, ValidAt};
use super::error::CertificateError;
use super::x509::Certificate;
use crate::trust::key::PublicKey;

/// An identity whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The e-mail address or URI that the certificate must have. Without one, any certificate of the authority counts.
    pub san: Option<String>,
    /// The authorities that may have issued the certificate.
    pub authority: Authority,
    /// The time at which the certificate must have been valid.
    pub valid_at: ValidAt,
    /// The usage that the certificate must allow.
    pub usage: Usage,
}

/// The identity in a certificate, after it was verified.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateIdentity {
    /// The e-mail address or URI.
    pub san: Option<String>,
    /// The service at which the owner signed in, if the certificate names it.
    pub issuer: Option<String>,
}

impl fmt::Display for CertificateIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.san.as_deref().unwrap_or("a certificate without a name"))?;
        self.issuer.iter().try_for_each(|issuer| write!(f, " ({issuer})"))
    }
}

impl Identity {
    /// Checks that the first certificate in `chain` is one of this identity, and returns its key.
    pub fn check(&self, chain: &[Vec<u8>]) -> Result<(PublicKey, CertificateIdentity), CertificateError> {
        let leaf = self.authority.check(chain, self.valid_at, self.usage)?;
        let san = self.san_in(&leaf)?;
        Ok((leaf.public_key()?, CertificateIdentity { san, issuer: None }))
    }

    fn san_in(&self, leaf: &Certificate) -> Result<Option<String>, CertificateError> {
        let Some(wanted) = &self.san else { return Ok(leaf.identities().first().cloned()) };
        if leaf.identities().contains(wanted) {
            return Ok(Some(wanted.clone()));
        }
        let quoted: Vec<_> = leaf.identities().iter().map(|found| format!("`{found}`")).collect();
        let found = if quoted.is_empty() { "an owner without a name".to_owned() } else { quoted.join(", ") };
        Err(CertificateError::OtherIdentity { found, wanted: wanted.clone() })
    }
}
