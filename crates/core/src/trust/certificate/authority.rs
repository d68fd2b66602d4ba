//! Authorities that are trusted, and the chain from a certificate to one of them.

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use serde::Deserialize;
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert, ring};

use super::error::CertificateError;
use super::x509::Certificate;
use crate::trust::envelope::decode_base64;
use crate::trust::json::read_json;
use crate::trust::keyless::TRUSTED_ROOT;

/// The algorithms with which a certificate may be signed.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    ring::ECDSA_P256_SHA256,
    ring::ECDSA_P256_SHA384,
    ring::ECDSA_P384_SHA256,
    ring::ECDSA_P384_SHA384,
    ring::ED25519,
    ring::RSA_PKCS1_2048_8192_SHA256,
    ring::RSA_PKCS1_2048_8192_SHA384,
    ring::RSA_PKCS1_2048_8192_SHA512,
];

/// The DER of the identifier 1.3.6.1.5.5.7.3.3, code signing.
const CODE_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 3];

/// The authorities that a user trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    anchors: Vec<Certificate>,
    intermediates: Vec<Certificate>,
}

/// The time at which a certificate must have been valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValidAt {
    /// This time.
    Time(Timestamp),
    /// The beginning of its validity: it may have expired.
    Issued,
}

/// The usage that a certificate must allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Usage {
    /// Code signing.
    #[default]
    CodeSigning,
    /// Code signing, or signatures without a purpose, as OpenSSF Model Signing accepts it.
    Signature,
}

impl Authority {
    /// The authorities with these certificates, each of which is trusted.
    pub fn new(anchors: Vec<Certificate>) -> Self {
        Self { anchors, intermediates: Vec::new() }
    }

    /// Reads the certificates of authorities from PEM files.
    pub fn read_pem<'a>(files: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, CertificateError> {
        let anchors = files.into_iter().map(Certificate::read_pem).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(anchors.concat()))
    }

    /// Reads the authorities of a trusted root, which must not have logs and timestamp authorities: their certificates
    /// need more than a chain.
    pub fn read_trusted_root(json: &[u8]) -> Result<Self, CertificateError> {
        let root: TrustedRoot = read_json(json).map_err(|_| CertificateError::TrustedRoot)?;
        if root.media_type != TRUSTED_ROOT {
            return Err(CertificateError::TrustedRoot);
        }
        if !root.tlogs.is_empty() || !root.ctlogs.is_empty() || !root.timestamp_authorities.is_empty() {
            return Err(CertificateError::HasLogs);
        }
        let (mut anchors, mut intermediates) = (Vec::new(), Vec::new());
        for authority in root.certificate_authorities {
            let read = |certificate: CertificateDocument| {
                let der = decode_base64(&certificate.raw_bytes).ok_or(CertificateError::TrustedRoot)?;
                Certificate::read(&der)
            };
            let chain = authority.cert_chain.certificates.into_iter().map(read);
            let mut chain = chain.collect::<Result<Vec<_>, _>>()?;
            anchors.extend(chain.pop());
            intermediates.extend(chain);
        }
        Ok(Self { anchors, intermediates })
    }

    /// Checks that one of the authorities issued the first of the certificates in `chain`, perhaps by way of others,
    /// and returns it.
    pub fn check(&self, chain: &[Vec<u8>], at: ValidAt, usage: Usage) -> Result<Certificate, CertificateError> {
        let (first, rest) = chain.split_first().ok_or(CertificateError::NoCertificate)?;
        let leaf = Certificate::read(first)?;
        let time = match at {
            ValidAt::Time(time) => time,
            ValidAt::Issued => leaf.not_before(),
        };
        let der = CertificateDer::from(first.as_slice());
        let end = EndEntityCert::try_from(&der).map_err(|error| refused(&error, &leaf))?;
        let anchors: Vec<_> = self.anchors.iter().map(|anchor| CertificateDer::from(anchor.der())).collect();
        let anchors = anchors.iter().map(anchor_from_trusted_cert).collect::<Result<Vec<TrustAnchor<'_>>, _>>();
        let anchors = anchors.map_err(|error| CertificateError::Chain(error.to_string()))?;
        let own = self.intermediates.iter().map(Certificate::der);
        let between = rest.iter().map(Vec::as_slice).chain(own).map(CertificateDer::from).collect::<Vec<_>>();
        let seconds = u64::try_from(time.as_second()).unwrap_or_default();
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let purpose = KeyUsage::required_if_present(CODE_SIGNING);
        end.verify_for_usage(ALGORITHMS, &anchors, &between, time, purpose, None, None)
            .map_err(|error| refused(&error, &leaf))?;
        let is_usable = match usage {
            Usage::CodeSigning => leaf.is_for_code_signing(),
            Usage::Signature => leaf.may_sign(),
        };
        is_usable.then_some(leaf).ok_or(CertificateError::NotForSigning)
    }
}

fn refused(error: &Error, leaf: &Certificate) -> CertificateError {
    let time =
        |time: &UnixTime| i64::try_from(time.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    match error {
        Error::UnknownIssuer => CertificateError::UnknownAuthority,
        Error::CertExpired { not_after, .. } => {
            CertificateError::Expired(time(not_after).unwrap_or_else(|| leaf.not_after()))
        }
        Error::CertNotValidYet { not_before, .. } => {
            CertificateError::NotYetValid(time(not_before).unwrap_or_else(|| leaf.not_before()))
        }
        Error::RequiredEkuNotFoundContext(_) => CertificateError::NotForSigning,
        Error::BadDer | Error::BadDerTime => CertificateError::Damaged,
        other => CertificateError::Chain(other.to_string()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TrustedRoot {
    media_type: String,
    #[serde(default)]
    certificate_authorities: Vec<AuthorityDocument>,
    #[serde(default)]
    tlogs: Vec<serde_json::Value>,
    #[serde(default)]
    ctlogs: Vec<serde_json::Value>,
    #[serde(default)]
    timestamp_authorities: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorityDocument {
    cert_chain: ChainDocument,
}

#[derive(Deserialize)]
struct ChainDocument {
    certificates: Vec<CertificateDocument>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CertificateDocument {
    raw_bytes: String,
}
