//! What can go wrong with a registry, and which of it may pass if one tries again.

use std::path::PathBuf;
use std::time::Duration;

use crate::digest::Mismatch;
use crate::oci::ContentError;
use crate::registry::http::Answer;

/// Why a registry did not do what it was asked for. `attempt` completes "cannot …", `registry` is what the user wrote.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry wants credentials and there are none.
    #[error("`{registry}` wants credentials, and none are known for it (401)")]
    NoCredentials { registry: String, source: Option<Answer> },
    /// The credentials are wrong, or do not reach as far as this.
    #[error("the registry refused the credentials for `{registry}` (401)")]
    Unauthorized { registry: String, source: Option<Answer> },
    /// The registry knows the user and refuses.
    #[error("cannot {attempt}: `{registry}` does not allow it (403)")]
    Denied { registry: String, attempt: String, source: Option<Answer> },
    /// There is no such thing.
    #[error("`{subject}` was not found")]
    NotFound { subject: String, source: Option<Answer> },
    /// The registry does not do this at all.
    #[error("cannot {attempt}: unsupported by registry `{registry}`")]
    Unsupported { registry: String, attempt: String, source: Option<Answer> },
    /// Any other refusal. `retry_after` is the pause that the registry asks for.
    #[error("cannot {attempt}: `{host}` answered {status}")]
    Status { host: String, attempt: String, status: u16, retry_after: Option<Duration>, source: Option<Answer> },

    /// No connection came about.
    #[error("cannot reach `{host}`")]
    Unreachable { host: String, source: Cause },
    /// The connection ended too early.
    #[error("cannot {attempt}: the connection broke off")]
    Broken { attempt: String, source: Cause },
    /// Nothing came, or nothing was taken, for too long.
    #[error("cannot {attempt}: the registry was silent for {seconds} s")]
    Silent { attempt: String, seconds: u64 },
    /// The answer has fewer bytes than it announced.
    #[error("cannot {attempt}: the answer ended after {received} of {expected} bytes")]
    Truncated { attempt: String, received: u64, expected: u64 },

    /// The other side does not speak TLS.
    #[error("`{host}` does not speak https")]
    NotTls { host: String },
    /// The certificate is not to be trusted.
    #[error("the certificate of `{host}` is not trusted")]
    Untrusted { host: String, source: Cause },
    /// A self-signed certificate as `openssl req -x509` makes it: an authority, which must not be a server too.
    #[error(
        "the certificate of `{host}` is that of an authority, which no server may use: \
         make an authority and a server certificate signed by it, or turn verification off"
    )]
    AuthorityAsServer { host: String },
    /// Encryption cannot be set up on this machine, or with these files.
    #[error("cannot prepare https: {problem}")]
    Tls { problem: String, source: Cause },

    /// The registry breaks the rules of the protocol.
    #[error("cannot {attempt}: {problem}")]
    Protocol { attempt: String, problem: String },
    /// The registry's token server must not be given the credentials.
    #[error("`{registry}` sends its users to `{realm}` for a token, which is not safe: {problem}")]
    UnsafeRealm { registry: String, realm: String, problem: &'static str },
    /// A document is larger than any honest one.
    #[error("`{subject}` is larger than the {limit} bytes that are read into memory")]
    TooLarge { subject: String, limit: u64 },
    /// A blob is larger than the registry takes. `limit` is in the registry's own words.
    #[error("`{registry}` takes layers of at most {limit}")]
    OverCeiling { registry: String, limit: &'static str },
    /// A manifest is not taken for what it is. `kind` names its media types.
    #[error("cannot {attempt}: `{registry}` refuses a manifest with {kind}, and changed it would have another digest")]
    ManifestRefused { registry: String, attempt: String, kind: String, source: Option<Answer> },
    /// A setting that cannot work.
    #[error("{0}")]
    Setting(String),

    /// A credential file cannot be used.
    #[error("cannot use the credentials in `{}`", path.display())]
    CredentialFile { path: PathBuf, source: Cause },
    /// A credential file names a helper that is not installed.
    #[error("the credential helper `{helper}`, named in `{}`, is not installed", path.display())]
    HelperMissing { helper: String, path: PathBuf },
    /// A credential helper failed.
    #[error("the credential helper `{helper}` cannot {action} credentials")]
    Helper { helper: String, action: &'static str, source: Cause },

    /// The bytes are not what their descriptor says.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// What was to be sent could not be read.
    #[error(transparent)]
    Content(ContentError),
}

impl Error {
    /// Whether the same request can succeed a moment later.
    pub(super) fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } | Self::Silent { .. } | Self::Truncated { .. } => true,
            // We have just stored the blobs: where several write at once, or an object store lies behind, a registry sees
            // them a moment later (docker-registry 2.8.2 with twenty clients).
            Self::Status { source: Some(answer), .. } if answer.has_code("MANIFEST_BLOB_UNKNOWN") => true,
            Self::Status { status, .. } => is_temporary_status(*status),
            _ => false,
        }
    }

    /// What the other side said when it refused, if it said anything.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::NoCredentials { source, .. }
            | Self::Unauthorized { source, .. }
            | Self::Denied { source, .. }
            | Self::NotFound { source, .. }
            | Self::Unsupported { source, .. }
            | Self::Status { source, .. } => source.as_ref(),
            _ => None,
        }
    }

    /// The pause that the registry asks for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// 501 and 505 are about what the server cannot do, and stay true.
fn is_temporary_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599) && !matches!(status, 501 | 505)
}

impl From<Error> for ContentError {
    fn from(error: Error) -> Self {
        match error {
            Error::NoCredentials { .. } | Error::Unauthorized { .. } => Self::Unauthorized(Box::new(error)),
            Error::Denied { .. } => Self::Denied(Box::new(error)),
            Error::NotFound { subject, .. } => Self::NotFound(subject),
            Error::Mismatch(mismatch) => Self::Mismatch(mismatch),
            Error::Content(error) => error,
            error => Self::Other(Box::new(error)),
        }
    }
}

/// The innermost reason of an error of another library, in its words: the layers around it say nothing to a user.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl Cause {
    /// A reason in words of our own.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The innermost reason of `error`.
    pub(super) fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Self(innermost.to_string())
    }
}
