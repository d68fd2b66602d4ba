//! The reasons why a trusted root or a keyless signature is refused.

use jiff::Timestamp;
use sigstore_verify::{CertificateError, Error, TimestampError, TransparencyLogError, bundle};

/// The reason why a trusted root cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustedRootError {
    /// Not the JSON of a trusted root.
    #[error("it is not a valid trusted root: {0}")]
    NotValid(String),
    /// Another version than 0.1.
    #[error("it is not a trusted root of version 0.1")]
    Version,
    /// No authority that issues certificates.
    #[error("it contains no certificate authority")]
    NoAuthority,
}

/// The reason why a keyless signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeylessError {
    /// A statement about nothing that has a SHA-256 digest.
    #[error("its statement has no subject with a SHA-256 digest")]
    NoSubject,
    /// A log entry or a timestamp that is not valid JSON.
    #[error("its {what} is not valid: {detail}")]
    Evidence {
        /// The kind of evidence.
        what: &'static str,
        /// The part that is not valid.
        detail: String,
    },
    /// No entry in a log.
    #[error("it has no entry in a transparency log")]
    NotLogged,
    /// An entry without the proof that the log contains it.
    #[error("its log entry has no inclusion proof")]
    NoInclusionProof,
    /// A log that the trusted root does not contain.
    #[error("its log entry is from a log that the trusted root does not contain")]
    UnknownLog,
    /// An entry whose proof is not valid.
    #[error("its log entry is not proven to be in the log: {0}")]
    Log(String),
    /// An entry for another signature.
    #[error("its log entry is that of another signature: {0}")]
    OtherEntry(String),
    /// No proof of the time.
    #[error("nothing proves when it was made: it has neither a signed entry time nor a timestamp of an authority")]
    NoTime,
    /// A proof of the time that is not valid.
    #[error("the proof of its time is not valid: {0}")]
    Time(String),
    /// A certificate that expired before the signature was made.
    #[error("it was made at {time}, when its certificate had expired (at {not_after})")]
    Expired {
        /// The proven time of the signature.
        time: Timestamp,
        /// The end of the validity of the certificate.
        not_after: Timestamp,
    },
    /// A certificate that was issued after the signature was made.
    #[error("it was made at {time}, before its certificate was valid (from {not_before})")]
    NotYetValid {
        /// The proven time of the signature.
        time: Timestamp,
        /// The beginning of the validity of the certificate.
        not_before: Timestamp,
    },
    /// No authority of the trusted root was valid.
    #[error("the trusted root has no authority that was valid at {0}")]
    NoAuthority(Timestamp),
    /// A certificate that no trusted authority issued, or that was not valid at the proven time.
    #[error("no authority of the trusted root issued its certificate, or it was not valid when it was used: {0}")]
    Chain(String),
    /// A certificate that is not in a certificate transparency log.
    #[error("its certificate is not proven to be in a certificate transparency log: {0}")]
    NotPublished(String),
    /// A damaged certificate.
    #[error("its certificate is damaged: {0}")]
    Certificate(String),
    /// A signature that is not by the key in the certificate.
    #[error("it was signed by another key than that of its certificate, or changed afterwards")]
    Signature,
    /// A certificate of another identity.
    #[error("its certificate is of {found}, not of `{wanted}`")]
    OtherIdentity {
        /// The identities in the certificate.
        found: String,
        /// The identity that was asked for.
        wanted: String,
    },
    /// An identity that another provider confirmed.
    #[error("its identity is confirmed by {found}, not by `{wanted}`")]
    OtherIssuer {
        /// The provider in the certificate.
        found: String,
        /// The provider that was asked for.
        wanted: String,
    },
    /// Another reason.
    #[error("it cannot be verified: {0}")]
    Other(String),
}

impl From<Error> for KeylessError {
    fn from(error: Error) -> Self {
        match error {
            Error::SignatureInvalid(_) => Self::Signature,
            Error::Certificate(error) => error.into(),
            Error::TransparencyLog(error) => error.into(),
            Error::ArtifactMismatch(detail) => Self::OtherEntry(detail),
            Error::Timestamp(TimestampError::NoVerifiedTimestamp(_))
            | Error::Bundle(bundle::Error::MissingSigningTimeEvidence) => Self::NoTime,
            Error::Timestamp(error) => Self::Time(error.to_string()),
            Error::Bundle(bundle::Error::MissingInclusionProof(_)) => Self::NoInclusionProof,
            Error::Bundle(error) => Self::Log(error.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<CertificateError> for KeylessError {
    fn from(error: CertificateError) -> Self {
        match error {
            CertificateError::Malformed(detail) => Self::Certificate(detail),
            CertificateError::ChainInvalid(detail) => Self::Chain(detail),
            CertificateError::NoValidAuthority { time } => Self::NoAuthority(time),
            CertificateError::NotYetValid { time, not_before } => Self::NotYetValid { time, not_before },
            CertificateError::Expired { time, not_after } => Self::Expired { time, not_after },
            CertificateError::Sct(detail) => Self::NotPublished(detail),
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<TransparencyLogError> for KeylessError {
    fn from(error: TransparencyLogError) -> Self {
        match error {
            TransparencyLogError::UnknownLog { .. } => Self::UnknownLog,
            TransparencyLogError::EntryMismatch(detail) => Self::OtherEntry(detail),
            TransparencyLogError::IntegratedTime(detail) => Self::Time(detail),
            other => Self::Log(other.to_string()),
        }
    }
}
