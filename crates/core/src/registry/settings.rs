//! How to reach registries: values that the caller has read from flags, files and the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::mirror::Mirror;
use crate::registry::auth::CredentialStore;
use crate::registry::http::{RetryPolicy, canonical};
use crate::registry::upload::UploadForm;
use crate::registry::web::ObjectStore;

/// Everything a [`Client`](super::client::Client) wants to know. `Settings::default()` is right for a public registry.
///
/// What a registry of `hosts` has a value of its own for comes from there, for that host alone.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Speak http instead of https. Never chosen silently, not for localhost either. Mirrors say for themselves.
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
    /// A connection that brings more than this is enough alone.
    pub quick_bytes_per_second: u64,
    /// How large one part of an upload in parts is, where the registry does not want another size.
    pub chunk_bytes: u64,
    /// A blob larger than this is sent in parts of this size from the start, so that a later process can go on after the last.
    pub resumable_bytes: u64,
    /// Where it is noted how far uploads are; without a folder, a push that was killed starts again.
    pub uploads_folder: Option<PathBuf>,
    /// Where it is noted what registries take; without a folder, each run learns it anew.
    pub registries_folder: Option<PathBuf>,
    /// How often and when a failed request is tried again.
    pub retry: RetryPolicy,
    /// How long to wait for a registry that says nothing.
    pub timeouts: Timeouts,
    /// Where names and passwords come from.
    pub credentials: CredentialStore,
    /// Where files with `s3` addresses are.
    pub object_store: ObjectStore,
    /// What is different for single registries, by host and port as in a reference.
    pub hosts: BTreeMap<String, HostSettings>,
}

/// What holds for one registry. What is `None` is as it is for all.
#[derive(Debug, Clone, Default)]
pub struct HostSettings {
    /// Like [`Settings::plain_http`].
    pub plain_http: Option<bool>,
    /// In place of [`Settings::extra_authorities`].
    pub extra_authorities: Option<Vec<PathBuf>>,
    /// In place of [`Settings::client_certificate`].
    pub client_certificate: Option<ClientCertificate>,
    /// In place of [`Settings::concurrency`], and not counted with the connections to others.
    pub concurrency: Option<usize>,
    /// How large blobs are sent, whatever is known about the registry.
    pub upload: Option<UploadForm>,
    /// Where its content is read before the registry itself is asked, in this order.
    pub mirrors: Vec<Mirror>,
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
            // More than a network of 1 Gbit/s brings, and than one connection to any object store.
            quick_bytes_per_second: 200_000_000,
            chunk_bytes: 16 * 1024 * 1024,
            // Measured against docker's registry with 512 MiB: parts of 128 MiB cost what one PUT does, parts of 64 MiB 7 % more.
            resumable_bytes: 128 * 1024 * 1024,
            uploads_folder: None,
            registries_folder: None,
            retry: RetryPolicy::default(),
            timeouts: Timeouts::default(),
            credentials: CredentialStore::default(),
            object_store: ObjectStore::default(),
            hosts: BTreeMap::new(),
        }
    }
}

/// What all downloads of a client may hold in memory, unless there are more connections than this has MiB. With twice as
/// much, pulling 4 GiB over 8 connections peaked at 75 MB; 64 MiB is the promise.
const WINDOW_BYTES: u64 = 16 * 1024 * 1024;
const SMALLEST_PIECE_BYTES: u64 = 1024 * 1024;

impl Settings {
    /// How large one piece of a download over at most `connections` is: smaller than the setting if there are many, each of
    /// which may have one piece in memory.
    pub(super) fn piece_bytes(&self, connections: usize) -> u64 {
        let share = WINDOW_BYTES / connections.max(1) as u64;
        self.piece_bytes.min(share.max(SMALLEST_PIECE_BYTES)).max(1)
    }

    pub(super) fn plain_http_of(&self, host: &str) -> bool {
        self.host(host).and_then(|(_, own)| own.plain_http).unwrap_or(self.plain_http)
    }

    pub(super) fn concurrency_of(&self, host: &str) -> usize {
        self.host(host).and_then(|(_, own)| own.concurrency).unwrap_or(self.concurrency)
    }

    /// How connections to `host` are encrypted.
    pub(super) fn tls_of(&self, host: &str) -> Tls {
        let own = self.host(host).map(|(_, own)| own);
        let authorities = own.and_then(|own| own.extra_authorities.as_ref()).unwrap_or(&self.extra_authorities);
        let certificate = own.and_then(|own| own.client_certificate.as_ref()).or(self.client_certificate.as_ref());
        Tls { authorities: authorities.clone(), certificate: certificate.cloned() }
    }

    pub(super) fn upload_of(&self, host: &str) -> Option<UploadForm> {
        self.host(host)?.1.upload
    }

    /// Blobs for `host` that are larger than this go in parts of this size from the start, where it takes parts.
    pub(super) fn resumable_bytes_of(&self, host: &str) -> u64 {
        match self.upload_of(host) {
            Some(UploadForm::Parts(Some(part_bytes))) => part_bytes,
            _ => self.resumable_bytes,
        }
    }

    pub(super) fn mirrors_of(&self, host: &str) -> &[Mirror] {
        self.host(host).map_or(&[], |(_, own)| &own.mirrors)
    }

    /// What is different for the host `name`, and what it is called in `hosts`.
    pub(super) fn host(&self, name: &str) -> Option<(&String, &HostSettings)> {
        self.hosts.iter().find(|(known, _)| canonical(known).eq_ignore_ascii_case(canonical(name)))
    }
}

/// What encrypted connections are made with. Hosts with equal settings share a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Tls {
    pub(super) authorities: Vec<PathBuf>,
    pub(super) certificate: Option<ClientCertificate>,
}

/// A certificate for the client and its private key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
