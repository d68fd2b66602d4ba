//! Clients that give up quickly, and content to transfer.

use std::io::{Cursor, Read};
use std::sync::Mutex;
use std::time::Duration;

use kit_core::digest::Digest;
use kit_core::oci::{Content, ContentError, Descriptor, MediaType, Reference, Source};
use kit_core::registry::{Client, CredentialStore, Credentials, Proxy, Repository, RetryPolicy, Settings, Timeouts};

use kit_testkit::registry::FakeRegistry;

/// Plain http, no proxy, short pauses.
pub(crate) fn settings() -> Settings {
    let (seconds, milliseconds) = (Duration::from_secs, Duration::from_millis);
    Settings {
        plain_http: true,
        proxy: Proxy::Direct,
        retry: RetryPolicy { attempts: 4, base: milliseconds(1), max: milliseconds(4), give_up_after: seconds(2) },
        timeouts: Timeouts { connect: seconds(5), silence: seconds(10), commit: seconds(10), ..Timeouts::default() },
        quick_bytes_per_second: u64::MAX,
        long_round_trip: Duration::MAX,
        ..Settings::default()
    }
}

/// Settings for a registry that will be silent.
pub(crate) fn impatient() -> Settings {
    let milliseconds = Duration::from_millis;
    let timeouts = Timeouts { silence: milliseconds(300), commit: milliseconds(600), ..settings().timeouts };
    Settings { timeouts, ..settings() }
}

/// Settings for a registry that does not recover.
pub(crate) fn giving_up_after(milliseconds: u64) -> Settings {
    let give_up_after = Duration::from_millis(milliseconds);
    Settings { retry: RetryPolicy { give_up_after, ..settings().retry }, ..settings() }
}

/// Settings with a user name and a password for every registry.
pub(crate) fn settings_for(username: &str, password: &str) -> Settings {
    let given = Some(Credentials::new(username, password));
    Settings { credentials: CredentialStore { given, ..CredentialStore::default() }, ..settings() }
}

pub(crate) fn client(settings: Settings) -> Client {
    Client::new(settings).unwrap()
}

/// `team/model` in the registry.
pub(crate) fn repository(registry: &FakeRegistry) -> Repository {
    repository_with(registry, settings())
}

pub(crate) fn repository_with(registry: &FakeRegistry, settings: Settings) -> Repository {
    client(settings).repository(&reference(registry.host()))
}

pub(crate) fn reference(host: &str) -> Reference {
    format!("{host}/team/model").parse().unwrap()
}

/// Bytes without a pattern, which could hide a wrong offset.
pub(crate) fn bytes(size: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend(next());
    }
    bytes.truncate(size);
    bytes
}

pub(crate) fn descriptor(bytes: &[u8]) -> Descriptor {
    Descriptor::of(MediaType::of("application/octet-stream"), bytes)
}

/// Reads a blob from `offset` to its end.
pub(crate) fn read(source: &dyn Source, descriptor: &Descriptor, offset: u64) -> Result<Vec<u8>, ContentError> {
    let mut read = Vec::new();
    source.blob(descriptor).open_at(offset)?.read_to_end(&mut read)?;
    Ok(read)
}

/// A manifest that needs no blobs.
pub(crate) fn manifest(text: &str) -> Vec<u8> {
    format!(r#"{{"schemaVersion":2,"annotations":{{"text":"{text}"}}}}"#).into_bytes()
}

/// Content that records the offsets at which it was opened.
pub(crate) struct Watched {
    pub(crate) bytes: Vec<u8>,
    pub(crate) opened_at: Mutex<Vec<u64>>,
}

impl Watched {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), opened_at: Mutex::default() }
    }

    pub(crate) fn opened_at(&self) -> Vec<u64> {
        self.opened_at.lock().unwrap().clone()
    }
}

impl Content for Watched {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        self.opened_at.lock().unwrap().push(offset);
        let start = usize::try_from(offset).unwrap();
        Ok(Box::new(Cursor::new(self.bytes[start..].to_vec())))
    }
}

/// An error with its causes, in the form of an error report.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut lines = vec![error.to_string()];
    let mut current = error.source();
    while let Some(cause) = current {
        lines.push(cause.to_string());
        current = cause.source();
    }
    lines.join(" / ")
}

pub(crate) fn digest(text: &str) -> Digest {
    text.parse().unwrap()
}
