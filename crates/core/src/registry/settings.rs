//! Settings for registries: values that the caller has read from flags, files and the environment.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::mirror::Mirror;
use super::proxy::Proxy;
use crate::progress::Notifier;
use crate::registry::auth::CredentialStore;
use crate::registry::http::{RetryPolicy, canonical};
use crate::registry::upload::UploadForm;
use crate::registry::web::ObjectStore;
use crate::version::VERSION;

/// The settings of a [`Client`](super::client::Client). `Settings::default()` suits a public registry.
///
/// A value in `hosts` takes precedence for that host.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Uses http instead of https. This is never chosen implicitly, not even for localhost. Mirrors have their own
    /// scheme.
    pub plain_http: bool,
    /// Uses http for registries on this machine that do not speak https, unless [`HostSettings::plain_http`] is set for
    /// them.
    pub plain_http_on_this_machine: bool,
    /// Requires the registry to prove its identity with a trusted certificate.
    pub verify_tls: bool,
    /// PEM files of certificate authorities to trust in addition to those of the system.
    pub extra_authorities: Vec<PathBuf>,
    /// The certificate of the client, if the registry asks for one.
    pub client_certificate: Option<ClientCertificate>,
    /// The flag, variable or line that names a file of certificates or keys, for messages about it.
    pub origins_of_files: BTreeMap<PathBuf, String>,
    /// The proxy.
    pub proxy: Proxy,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// The number of connections that the downloads of a client use at once, for all blobs together.
    pub concurrency: usize,
    /// The largest size of one piece of a download. Pieces are smaller if many connections may be used.
    pub piece_bytes: u64,
    /// The largest size of a blob, or of the rest of one, that is read as one stream.
    pub pieces_from_bytes: u64,
    /// The throughput above which one connection is enough.
    pub quick_bytes_per_second: u64,
    /// The round trip to a registry from which on fewer and longer requests are worthwhile.
    pub long_round_trip: Duration,
    /// The size of one part of an upload in parts, unless the registry requires another size.
    pub chunk_bytes: u64,
    /// The size above which a blob is sent in parts of this size from the start, so that a later process can resume
    /// after the last part.
    pub resumable_bytes: u64,
    /// The folder for the progress of uploads; without one, an interrupted push starts again.
    pub uploads_folder: Option<PathBuf>,
    /// The folder for the capabilities of registries; without one, each run has to find them out again.
    pub registries_folder: Option<PathBuf>,
    /// The limits and pauses for repeating a failed request.
    pub retry: RetryPolicy,
    /// The limits for waiting on a registry that does not respond.
    pub timeouts: Timeouts,
    /// Receives warnings of registries, and those about long waits.
    pub notifier: Notifier,
    /// The source of credentials.
    pub credentials: CredentialStore,
    /// The object store of `s3` addresses.
    pub object_store: ObjectStore,
    /// Settings for single registries, by host and port as in a reference.
    pub hosts: BTreeMap<String, HostSettings>,
}

/// Settings for one registry. A value of `None` means the general setting.
#[derive(Debug, Clone, Default)]
pub struct HostSettings {
    /// Like [`Settings::plain_http`].
    pub plain_http: Option<bool>,
    /// Allows to send passwords and tokens over plain http to this host even if it is not this machine.
    pub sends_passwords_over_http: bool,
    /// The authorities in place of [`Settings::extra_authorities`].
    pub extra_authorities: Option<Vec<PathBuf>>,
    /// The certificate in place of [`Settings::client_certificate`].
    pub client_certificate: Option<ClientCertificate>,
    /// The number in place of [`Settings::concurrency`], counted separately from the connections to other registries.
    pub concurrency: Option<usize>,
    /// The form in which large blobs are sent, whatever is known about the registry.
    pub upload: Option<UploadForm>,
    /// The mirrors, which are read in this order before the registry itself.
    pub mirrors: Vec<Mirror>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            plain_http: false,
            plain_http_on_this_machine: false,
            verify_tls: true,
            extra_authorities: Vec::new(),
            client_certificate: None,
            origins_of_files: BTreeMap::new(),
            proxy: Proxy::default(),
            user_agent: format!("kit/{VERSION}"),
            concurrency: 8,
            piece_bytes: 4 * 1024 * 1024,
            pieces_from_bytes: 16 * 1024 * 1024,
            // More than a network of 1 Gbit/s transfers, and more than one connection to any object store.
            quick_bytes_per_second: 200_000_000,
            // More than between two machines of one site.
            long_round_trip: Duration::from_millis(20),
            chunk_bytes: 16 * 1024 * 1024,
            // Measured against docker's registry with 512 MiB: parts of 128 MiB take as long as one PUT, parts of 64
            // MiB 7 % longer.
            resumable_bytes: 128 * 1024 * 1024,
            uploads_folder: None,
            registries_folder: None,
            retry: RetryPolicy::default(),
            timeouts: Timeouts::default(),
            notifier: Notifier::default(),
            credentials: CredentialStore::default(),
            object_store: ObjectStore::default(),
            hosts: BTreeMap::new(),
        }
    }
}

/// The memory that all downloads of a client may use, unless the number of connections exceeds its number of MiB.
/// With twice as much, pulling 4 GiB over 8 connections peaked at 75 MB, and the promised limit is 64 MiB.
const WINDOW_BYTES: u64 = 16 * 1024 * 1024;
const SMALLEST_PIECE_BYTES: u64 = 1024 * 1024;

impl Settings {
    /// The size of one piece of a download over at most `connections`: smaller than the setting if there are many,
    /// since each may have one piece in memory.
    pub(super) fn piece_bytes(&self, connections: usize) -> u64 {
        let share = WINDOW_BYTES / connections.max(1) as u64;
        self.piece_bytes.min(share.max(SMALLEST_PIECE_BYTES)).max(1)
    }

    pub(super) fn plain_http_of(&self, host: &str) -> bool {
        self.host(host).and_then(|(_, own)| own.plain_http).unwrap_or(self.plain_http)
    }

    /// Returns true if http is tried for `host` after https: it is on this machine, and neither https nor a client
    /// certificate was asked for.
    pub(super) fn may_fall_back_to_http(&self, host: &str) -> bool {
        self.plain_http_on_this_machine
            && is_this_machine(host)
            && self.host(host).is_none_or(|(_, own)| own.plain_http.is_none())
            && self.tls_of(host).certificate.is_none()
    }

    /// Returns true if `host` may be connected to over plain http because it is this machine, or the user allowed it.
    pub(super) fn may_be_plain(&self, host: &str) -> bool {
        is_this_machine(host) || self.plain_http_of(host)
    }

    /// Returns true if passwords may be sent over plain http to `host`: to this machine, and to hosts for which the
    /// user allowed it.
    pub(super) fn sends_passwords_over_http_to(&self, host: &str) -> bool {
        is_this_machine(host) || self.host(host).is_some_and(|(_, own)| own.sends_passwords_over_http)
    }

    pub(super) fn concurrency_of(&self, host: &str) -> usize {
        self.host(host).and_then(|(_, own)| own.concurrency).unwrap_or(self.concurrency)
    }

    /// The TLS settings of connections to `host`.
    pub(super) fn tls_of(&self, host: &str) -> Tls {
        let own = self.host(host).map(|(_, own)| own);
        let authorities = own.and_then(|own| own.extra_authorities.as_ref()).unwrap_or(&self.extra_authorities);
        let certificate = own.and_then(|own| own.client_certificate.as_ref()).or(self.client_certificate.as_ref());
        Tls { authorities: authorities.clone(), certificate: certificate.cloned() }
    }

    /// The file at `path` in a message, with the setting that names it.
    pub(super) fn named(&self, path: &Path) -> String {
        let name = format!("`{}`", path.display());
        self.origins_of_files.get(path).map_or_else(|| name.clone(), |origin| format!("{name} (from {origin})"))
    }

    pub(super) fn upload_of(&self, host: &str) -> Option<UploadForm> {
        self.host(host)?.1.upload
    }

    /// The size above which blobs for `host` are sent in parts of this size from the start, if it accepts parts.
    pub(super) fn resumable_bytes_of(&self, host: &str) -> u64 {
        match self.upload_of(host) {
            Some(UploadForm::Parts(Some(part_bytes))) => part_bytes,
            _ => self.resumable_bytes,
        }
    }

    pub(super) fn mirrors_of(&self, host: &str) -> &[Mirror] {
        self.host(host).map_or(&[], |(_, own)| &own.mirrors)
    }

    /// The settings for the host `name`, and its name in `hosts`.
    pub(super) fn host(&self, name: &str) -> Option<(&String, &HostSettings)> {
        self.hosts.iter().find(|(known, _)| canonical(known).eq_ignore_ascii_case(canonical(name)))
    }
}

/// Returns true for the names and addresses of this machine (RFC 6761, 6.3), with or without a port.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or(host),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The TLS settings of connections. Hosts with equal settings share a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Tls {
    pub(super) authorities: Vec<PathBuf>,
    pub(super) certificate: Option<ClientCertificate>,
}

/// A certificate for the client and its private key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    /// The certificate, followed by the intermediate certificates up to the authority.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The limits for waiting. They limit inactivity and the time for a document, never that of a blob.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// The time to establish a connection.
    pub connect: Duration,
    /// The time until the next bytes, or the head of an answer, arrive or are accepted.
    pub silence: Duration,
    /// The time until a document, such as a manifest, a token or a page of tags, has arrived as a whole.
    pub document: Duration,
    /// The time in which a connection that transfers a blob must bring at least 1 KiB a second on average.
    pub slow: Duration,
    /// The longest time until a registry confirms a completed upload: it may have to move or hash many gigabytes first.
    pub commit: Duration,
}

/// The shortest limit for silence: a registry under load may need a few seconds for an answer.
const SHORTEST_SILENCE: Duration = Duration::from_secs(5);

impl Timeouts {
    /// The same limits for requests that are repeated for `retry_for`: one attempt is not silent for longer, but may
    /// always be silent for five seconds.
    #[must_use]
    pub fn within(self, retry_for: Duration) -> Self {
        Self { silence: self.silence.min(retry_for.max(SHORTEST_SILENCE)), ..self }
    }

    /// The time for the answer to a request that completes a blob, or a part of one, of `size` bytes. It allows a
    /// registry to process 1 MiB a second.
    pub(super) fn commit_of(&self, size: u64) -> Duration {
        let processing = Duration::from_secs(1 + size / (1024 * 1024));
        self.commit.min(self.silence.saturating_add(processing))
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(10),
            silence: seconds(30),
            document: seconds(60),
            slow: seconds(60),
            commit: seconds(600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_for_an_answer_follow_the_retry_time_and_the_size() {
        for (retry_for, silence) in [(0, 5), (3, 5), (8, 8), (30, 30), (600, 30)] {
            let timeouts = Timeouts::default().within(Duration::from_secs(retry_for));
            assert_eq!(timeouts.silence.as_secs(), silence, "{retry_for}");
            for (mebibytes, commit) in [(0, silence + 1), (100, silence + 101), (100_000, 600)] {
                assert_eq!(timeouts.commit_of(mebibytes << 20).as_secs(), commit, "{retry_for} {mebibytes}");
            }
        }
    }

    #[test]
    fn passwords_go_over_http_to_this_machine_and_to_chosen_hosts_only() {
        let own = HostSettings { sends_passwords_over_http: true, ..HostSettings::default() };
        let other = HostSettings { plain_http: Some(true), ..HostSettings::default() };
        let hosts = [("chosen.example:5000".to_owned(), own), ("plain.example".to_owned(), other)].into();
        let settings = Settings { plain_http: true, hosts, ..Settings::default() };
        for (host, expected) in [
            ("localhost:5000", true),
            ("kit.localhost", true),
            ("127.0.0.1:5000", true),
            ("127.8.9.1", true),
            ("[::1]:5000", true),
            ("[::ffff:127.0.0.1]", true),
            ("chosen.example:5000", true),
            ("Chosen.example:5000", true),
            ("chosen.example:5001", false),
            ("plain.example", false),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
            ("10.0.0.1", false),
            ("[fe80::1]", false),
        ] {
            assert_eq!(settings.sends_passwords_over_http_to(host), expected, "{host}");
        }
    }
}
