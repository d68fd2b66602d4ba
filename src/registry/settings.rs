//! How to reach registries: values that the caller has read from flags, files and the environment.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::{CredentialStore, RetryPolicy};

/// Everything a [`Client`](super::Client) wants to know. `Settings::default()` is right for a public registry.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Speak http instead of https. Never chosen silently, not for localhost either.
    pub plain_http: bool,
    /// Whether the registry must prove with a certificate who it is.
    pub verify_tls: bool,
    /// PEM files with certificate authorities to trust beside those of the system.
    pub extra_authorities: Vec<PathBuf>,
    /// What the client proves itself with, if the registry asks.
    pub client_certificate: Option<ClientCertificate>,
    /// Which proxy to go through.
    pub proxy: Proxy,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// How many connections the downloads of a client use at once, all blobs together.
    pub concurrency: usize,
    /// How large one piece of a download is. See [`piece_bytes`](Self::piece_bytes).
    pub piece_bytes: u64,
    /// Blobs up to this size, or what is left of one, come as one stream.
    pub pieces_from_bytes: u64,
    /// How large one part of an upload in parts is, where the registry does not want another size.
    pub chunk_bytes: u64,
    /// A blob larger than this is sent in parts of this size from the start, so that a later process can go on after the last.
    pub resumable_bytes: u64,
    /// Where it is noted how far uploads are; without a folder, a push that was killed starts again.
    pub uploads_folder: Option<PathBuf>,
    /// How often and when a failed request is tried again.
    pub retry: RetryPolicy,
    /// How long to wait for a registry that says nothing.
    pub timeouts: Timeouts,
    /// Where names and passwords come from.
    pub credentials: CredentialStore,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            plain_http: false,
            verify_tls: true,
            extra_authorities: Vec::new(),
            client_certificate: None,
            proxy: Proxy::default(),
            user_agent: concat!("kit/", env!("CARGO_PKG_VERSION")).to_owned(),
            concurrency: 8,
            piece_bytes: 4 * 1024 * 1024,
            pieces_from_bytes: 16 * 1024 * 1024,
            chunk_bytes: 16 * 1024 * 1024,
            // Measured against docker's registry with 512 MiB: parts of 128 MiB cost what one PUT does, parts of 64 MiB 7 % more.
            resumable_bytes: 128 * 1024 * 1024,
            uploads_folder: None,
            retry: RetryPolicy::default(),
            timeouts: Timeouts::default(),
            credentials: CredentialStore::default(),
        }
    }
}

/// What all downloads of a client may hold in memory, unless there are more connections than this has MiB. With twice as
/// much, pulling 4 GiB over 8 connections peaked at 75 MB; 64 MiB is the promise.
const WINDOW_BYTES: u64 = 16 * 1024 * 1024;
const SMALLEST_PIECE_BYTES: u64 = 1024 * 1024;

impl Settings {
    /// How large one piece of a download is: smaller than the setting if there are many connections, each of which may have
    /// one piece in memory.
    pub(super) fn piece_bytes(&self) -> u64 {
        let share = WINDOW_BYTES / self.concurrency.max(1) as u64;
        self.piece_bytes.min(share.max(SMALLEST_PIECE_BYTES)).max(1)
    }
}

/// A certificate for the client and its private key, as PEM files.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The certificate, followed by those that lead to the authority.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Which proxy requests go through.
#[derive(Clone, Default)]
pub enum Proxy {
    /// What `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say.
    #[default]
    FromEnvironment,
    /// None, whatever the environment says.
    Direct,
    /// This one for everything; `NO_PROXY` does not count.
    Through(String),
}

impl fmt::Debug for Proxy {
    /// Hides the URL, which can hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FromEnvironment => "FromEnvironment",
            Self::Direct => "Direct",
            Self::Through(_) => "Through(…)",
        })
    }
}

/// How long to wait. There is no limit for a whole transfer, only for silence.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the next bytes, or the head of an answer, arrive or are taken.
    pub silence: Duration,
    /// Until a registry confirms an upload that is sent: it may have to move or hash many gigabytes first.
    pub commit: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), silence: seconds(30), commit: seconds(600) }
    }
}
