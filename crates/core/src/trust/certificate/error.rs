//! The reasons why a certificate is refused.

use jiff::Timestamp;

use crate::trust::key::KeyError;

/// The reason why a certificate cannot be read, or does not show whose signature it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// No certificate in a PEM file.
    #[error("it does not contain a certificate")]
    NoCertificate,
    /// A PEM file with something else.
    #[error("it contains `{0}`, which is not a certificate")]
    NotACertificate(String),
    /// A damaged PEM file.
    #[error("it is not a PEM file")]
    NotPem,
    /// Bytes that are not a certificate.
    #[error("the certificate is damaged")]
    Damaged,
    /// A key that is not supported.
    #[error("the key in the certificate cannot be used")]
    Key(#[source] KeyError),
    /// A certificate that is not for signing.
    #[error("the certificate is not for code signing")]
    NotForSigning,
    /// A certificate that no authority issued that is trusted.
    #[error("none of the trusted authorities issued the certificate, or an intermediate certificate is missing")]
    UnknownAuthority,
    /// A certificate whose time is over.
    #[error("the certificate expired at {0}")]
    Expired(Timestamp),
    /// A certificate whose time has not come.
    #[error("the certificate is not valid before {0}")]
    NotYetValid(Timestamp),
    /// A chain that is refused for another reason.
    #[error("the chain of certificates is not valid: {0}")]
    Chain(String),
    /// A certificate of another identity.
    #[error("the certificate is of {found}, not of `{wanted}`")]
    OtherIdentity {
        /// The identities in the certificate.
        found: String,
        /// The identity that was asked for.
        wanted: String,
    },
    /// A certificate and a key that do not belong together.
    #[error("the certificate belongs to another key")]
    OtherKey,
    /// A trusted root that is not valid.
    #[error("it is not a trusted root of version 0.1")]
    TrustedRoot,
    /// A trusted root of a service for keyless signatures.
    #[error("it is the trusted root of a service with logs or timestamps, which needs the issuer of the identity")]
    HasLogs,
}
