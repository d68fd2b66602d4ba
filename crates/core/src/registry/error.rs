//! Errors of a registry, and the distinction between temporary and permanent ones.

use std::path::PathBuf;
use std::time::Duration;

use crate::digest::Mismatch;
use crate::oci::ContentError;
use crate::registry::http::Answer;
use crate::registry::web::ProfileError;

/// An error of a request to a registry. `attempt` completes "cannot …", `registry` is the name as the user wrote it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The registry requires credentials and there are none.
    #[error("`{registry}` requires credentials, and none are known for it (401)")]
    NoCredentials { registry: String, source: Option<Answer> },
    /// The registry refuses requests without naming an authentication scheme that `kit` has, so nothing was sent.
    #[error("`{registry}` answered 401 without asking for a password or a token, so no credentials were sent")]
    NoChallenge { registry: String, source: Option<Answer> },
    /// The credentials are wrong, or do not permit this request.
    #[error("the registry refused the credentials for `{registry}` (401)")]
    Unauthorized { registry: String, source: Option<Answer> },
    /// The registry authenticated the user and refused the request.
    #[error("cannot {attempt}: `{registry}` does not allow it (403)")]
    Denied { registry: String, attempt: String, source: Option<Answer> },
    /// The subject does not exist.
    #[error("`{subject}` was not found")]
    NotFound { subject: String, source: Option<Answer> },
    /// The registry does not support this operation.
    #[error("cannot {attempt}: unsupported by registry `{registry}`")]
    Unsupported { registry: String, attempt: String, source: Option<Answer> },
    /// The registry accepts no uploads.
    #[error("cannot {attempt}: `{registry}` is read-only")]
    ReadOnly { registry: String, attempt: String, source: Option<Answer> },
    /// A write was redirected in a way that does not keep its method (RFC 9110, 15.4).
    #[error(
        "cannot {attempt}: `{registry}` redirects it to `{host}` with the status {status}, which is for reading only"
    )]
    WriteRedirected { registry: String, attempt: String, host: String, status: u16 },
    /// Any other refusal. `retry_after` is the pause that the registry requests.
    #[error("cannot {attempt}: `{host}` answered {status}{}", requested(*retry_after))]
    Status { host: String, attempt: String, status: u16, retry_after: Option<Duration>, source: Option<Answer> },

    /// The connection could not be established. `is_known` is true if the host has answered before. `proxy` is the
    /// proxy that was used, with the setting that names it.
    #[error("cannot reach `{host}`{}", through(proxy.as_deref()))]
    Unreachable { host: String, is_known: bool, proxy: Option<String>, source: Cause },
    /// The connection was lost.
    #[error("cannot {attempt}: the connection was lost")]
    Broken { attempt: String, source: Cause },
    /// No bytes were received or accepted for too long.
    #[error("cannot {attempt}: the registry did not respond for {seconds} s")]
    Silent { attempt: String, seconds: u64 },
    /// A document did not arrive as a whole in time.
    #[error("cannot {attempt}: the answer was not complete after {seconds} s")]
    Unfinished { attempt: String, seconds: u64 },
    /// A connection brought hardly any bytes of a blob for some time.
    #[error("cannot {attempt}: the registry sent less than 1 KiB a second for {seconds} s")]
    Slow { attempt: String, seconds: u64 },
    /// The answer has fewer bytes than it announced.
    #[error("cannot {attempt}: the answer ended after {received} of {expected} bytes")]
    Truncated { attempt: String, received: u64, expected: u64 },
    /// A request was repeated until its limits were reached. The source is the last failure.
    #[error("gave up after {attempts} attempts in {seconds} s")]
    GaveUp { attempts: u32, seconds: u64, source: Box<Error> },

    /// The server ended the TLS handshake, as servers do that require a client certificate.
    #[error("`{host}` refused the TLS connection")]
    HandshakeRefused { host: String, source: Cause },
    /// The server does not use TLS.
    #[error("`{host}` does not speak https{}", through(proxy.as_deref()))]
    NotTls { host: String, proxy: Option<String> },
    /// The certificate is not trusted.
    #[error("the certificate of `{host}` is not trusted")]
    Untrusted { host: String, source: Cause },
    /// A self-signed certificate as created by `openssl req -x509`, an authority that is not trusted itself.
    #[error(
        "`{host}` uses the certificate of an authority as its server certificate, and this certificate is not trusted"
    )]
    AuthorityAsServer { host: String },
    /// TLS cannot be set up on this machine, or with these files.
    #[error("cannot prepare https: {problem}")]
    Tls { problem: String, source: Cause },

    /// The system has no certificate authorities at all, like an image that contains one program.
    #[error("cannot prepare https: this system has no certificate authorities")]
    NoAuthorities,

    /// Something that is not a registry answers, such as a login page or a proxy.
    #[error(
        "cannot {attempt}: `{host}` answered{} with a web page (text/html), not as a registry",
        through(proxy.as_deref())
    )]
    WebPage { host: String, attempt: String, proxy: Option<String> },
    /// The proxy, with the setting that names it, refuses the connection without credentials.
    #[error("the proxy {proxy} requires credentials (407)")]
    ProxyCredentials { proxy: String },
    /// The proxy, with the setting that names it, does not forward requests to `host`.
    #[error("the proxy {proxy} refuses the connection to `{host}` ({status})")]
    ProxyRefused { proxy: String, host: String, status: u16 },
    /// The registry violates the protocol.
    #[error("cannot {attempt}: {problem}")]
    Protocol { attempt: String, problem: String },
    /// The registry's token server must not be given the credentials.
    #[error("`{registry}` requests a token from `{realm}`, which is not safe: {problem}")]
    UnsafeRealm { registry: String, realm: String, problem: &'static str },
    /// A password or token would be sent over plain http to another machine.
    #[error("the credentials for `{registry}` would be sent over plain http, without encryption")]
    Unencrypted { registry: String },
    /// A document is too large to be read into memory.
    #[error("`{subject}` is larger than the limit of {limit} bytes")]
    TooLarge { subject: String, limit: u64 },
    /// A list is longer than what is read.
    #[error("cannot {attempt}: the list has more than {limit} {what}")]
    ListTooLong { attempt: String, limit: u64, what: &'static str },
    /// A blob is larger than the registry accepts. `limit` is quoted from the registry's documentation.
    #[error("`{registry}` accepts layers of at most {limit}")]
    OverCeiling { registry: String, limit: &'static str },
    /// The registry refuses a manifest because of its media types, which `kind` names.
    #[error(
        "cannot {attempt}: `{registry}` refuses a manifest with {kind}, and a changed one would have another digest"
    )]
    ManifestRefused { registry: String, attempt: String, kind: String, source: Option<Answer> },
    /// The system permits no threads for the network, as with a limit of processes for the user or the container.
    #[error("cannot start the network threads")]
    Threads(#[source] Cause),
    /// A proxy that cannot be used at all.
    #[error("the proxy in {setting} is not usable: {problem}")]
    Proxy { setting: &'static str, problem: String },
    /// An invalid setting.
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

    /// A profile of the AWS tools cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),

    /// The bytes are not what their descriptor says.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The content to be sent could not be read.
    #[error(transparent)]
    Content(ContentError),
}

impl Error {
    /// Returns true if the same request can succeed a moment later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Broken { .. }
            | Self::Silent { .. }
            | Self::Slow { .. }
            | Self::Truncated { .. } => true,
            // The blobs were just stored: with several writers at once, or with an object store behind it, a registry
            // may see them only a moment later (docker-registry 2.8.2 with twenty clients).
            Self::Status { source: Some(answer), .. } if answer.has_code("MANIFEST_BLOB_UNKNOWN") => true,
            Self::Status { status, .. } => is_temporary_status(*status),
            Self::GaveUp { source, .. } => source.is_temporary(),
            _ => false,
        }
    }

    /// Returns true if a host cannot be reached that has not answered before.
    pub(super) fn is_about_unknown_host(&self) -> bool {
        matches!(self.failure(), Self::Unreachable { is_known: false, .. })
    }

    /// Returns true if the registry refused a manifest because it lacks something that the manifest refers to.
    pub fn is_about_missing_content(&self) -> bool {
        let codes = ["MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"];
        self.answer().is_some_and(|answer| codes.iter().any(|code| answer.has_code(code)))
    }

    /// The message of the server that refused, if it sent one.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::NoCredentials { source, .. }
            | Self::NoChallenge { source, .. }
            | Self::Unauthorized { source, .. }
            | Self::Denied { source, .. }
            | Self::NotFound { source, .. }
            | Self::Unsupported { source, .. }
            | Self::ReadOnly { source, .. }
            | Self::Status { source, .. } => source.as_ref(),
            Self::GaveUp { source, .. } => source.answer(),
            _ => None,
        }
    }

    /// The failure itself, without the report of its attempts.
    pub fn failure(&self) -> &Self {
        if let Self::GaveUp { source, .. } = self { source.failure() } else { self }
    }

    /// The pause that the registry requests.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.failure() {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// The end of a sentence about a host that is reached through a proxy.
fn through(proxy: Option<&str>) -> String {
    proxy.map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default()
}

/// The end of a sentence about an answer that asks for a pause.
fn requested(pause: Option<Duration>) -> String {
    let pause = pause.filter(|pause| pause.as_secs() > 0);
    pause.map(|pause| format!(" and asks to wait {} s", pause.as_secs())).unwrap_or_default()
}

/// Returns true for statuses that may pass. 501 and 505 mean a missing feature of the server, which is permanent.
pub(super) fn is_temporary_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599) && !matches!(status, 501 | 505)
}

impl From<Error> for ContentError {
    fn from(error: Error) -> Self {
        match error {
            Error::NoCredentials { .. } | Error::NoChallenge { .. } | Error::Unauthorized { .. } => {
                Self::Unauthorized(Box::new(error))
            }
            Error::Denied { .. } => Self::Denied(Box::new(error)),
            Error::NotFound { subject, .. } => Self::NotFound(subject),
            Error::Mismatch(mismatch) => Self::Mismatch(mismatch),
            Error::Content(error) => error,
            error => Self::Other(Box::new(error)),
        }
    }
}

/// The innermost source of an error of another library, as a text: the errors around it do not help a user.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl Cause {
    /// A cause with a text of this crate.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns true for the error of a proxy that asks for credentials (407), as hyper-util words it.
    pub(super) fn is_about_proxy_credentials(&self) -> bool {
        self.0.ends_with("proxy authorization required")
    }

    /// Returns true for the error of a proxy that answers a request for a tunnel with another status than 200 and 407,
    /// as hyper-util words it.
    pub(super) fn is_about_refused_tunnel(&self) -> bool {
        self.0.ends_with("unsuccessful")
    }

    /// The innermost source of `error`.
    pub(super) fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut innermost = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        Self(innermost.to_string())
    }
}
