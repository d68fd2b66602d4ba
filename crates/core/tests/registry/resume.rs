//! Resuming an interrupted upload in another process.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use kit_core::oci::{BlobOutcome, Content, ContentError, Target};
use kit_core::registry::{RetryPolicy, Settings};

use crate::support::{Watched, bytes, chain, client, descriptor, read, repository_with, settings};
use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::faulty_proxy::{FaultyProxy, Trouble};
use kit_testkit::registry::{FakeRegistry, Fault, PutBody, Recorded};

const SIZE: usize = 3_500_000;
const PART: u64 = 1_000_000;

/// Settings of a process that gives up at the first failure, like a killed one.
fn process(folder: &Path) -> Settings {
    let retry = RetryPolicy { attempts: 1, give_up_after: Duration::ZERO, ..settings().retry };
    Settings { resumable_bytes: PART, uploads_folder: Some(folder.to_owned()), retry, ..settings() }
}

fn parts(registry: &FakeRegistry) -> Vec<String> {
    let line = |request: &Recorded| format!("{} {}", request.header("content-range").unwrap(), request.status);
    registry.requests_of("PATCH", "").iter().map(line).collect()
}

/// A registry, a folder for journals, content, and an upload that was interrupted within its third part.
struct Broken {
    registry: FakeRegistry,
    folder: tempfile::TempDir,
    content: Watched,
}

impl Broken {
    fn new() -> Self {
        let (registry, folder) = (FakeRegistry::start(), tempfile::tempdir().unwrap());
        let content = Watched::new(&bytes(SIZE));
        // Real registries answer a query of the progress at the previous location as well.
        registry.configure(|options| options.any_location = true);
        registry.fail_later("PATCH", "/uploads/", 2, 1, Fault::DropRequestAfter(400_000));
        let repository = repository_with(&registry, process(folder.path()));
        repository.put(&descriptor(&content.bytes), &content).unwrap_err();
        assert_eq!(parts(&registry), ["0-999999 202", "1000000-1999999 202", "2000000-2999999 0"]);
        Self { registry, folder, content }
    }

    fn push_again(&self) {
        let repository = repository_with(&self.registry, process(self.folder.path()));
        let blob = descriptor(&self.content.bytes);
        let before = self.sent_bytes();
        let outcome = repository.put_from(&blob, None, &self.content).unwrap();
        let again = self.sent_bytes() - before;
        assert_eq!(outcome, BlobOutcome::Sent { resumed_bytes: (SIZE as u64).saturating_sub(again) });
        let stored = self.registry.blob(&descriptor(&self.content.bytes).digest.to_string()).unwrap();
        assert!(stored == self.content.bytes);
        assert_eq!(fs_err::read_dir(self.folder.path()).unwrap().count(), 0, "the journal is gone");
    }

    fn sent_bytes(&self) -> u64 {
        self.registry.requests().iter().map(|request| request.body_bytes).sum()
    }
}

#[test]
fn a_large_blob_is_sent_in_parts_from_the_start() {
    let (registry, folder) = (FakeRegistry::start(), tempfile::tempdir().unwrap());
    let content = bytes(SIZE);
    repository_with(&registry, process(folder.path())).put(&descriptor(&content), &&content[..]).unwrap();
    let expected = ["0-999999 202", "1000000-1999999 202", "2000000-2999999 202", "3000000-3499999 202"];
    assert_eq!(parts(&registry), expected);
    assert!(registry.requests_of("GET", "/uploads/").is_empty());
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn acknowledged_bytes_are_never_sent_again() {
    let broken = Broken::new();
    broken.push_again();
    assert_eq!(parts(&broken.registry)[3..], ["2400000-3399999 202", "3400000-3499999 202"]);
    assert_eq!(broken.sent_bytes(), SIZE as u64);
    assert_eq!(broken.registry.requests_of("POST", "").len(), 1);
    assert_eq!(broken.content.opened_at(), [0, 2_400_000]);
}

#[test]
fn a_dead_session_is_started_again_once() {
    let broken = Broken::new();
    broken.registry.expire_uploads();
    broken.push_again();
    assert_eq!(parts(&broken.registry)[3], "0-999999 202");
    assert_eq!(broken.registry.requests_of("POST", "").len(), 2);
}

#[test]
fn an_upload_session_without_status_is_started_again() {
    for status in [403, 404, 500] {
        let broken = Broken::new();
        broken.registry.fail_later("GET", "/uploads/", 0, 100, Fault::Status(status, vec![]));
        broken.push_again();
        assert_eq!(parts(&broken.registry)[3], "0-999999 202", "{status}");
    }
}

#[test]
fn a_registry_that_is_away_costs_no_acknowledged_byte() {
    let broken = Broken::new();
    broken.registry.fail("GET", "/uploads/", Fault::DropInsteadOfAnswer);
    let repository = repository_with(&broken.registry, process(broken.folder.path()));
    repository.put(&descriptor(&broken.content.bytes), &broken.content).unwrap_err();
    broken.push_again();
    assert_eq!(broken.sent_bytes(), SIZE as u64);
}

/// A session that reports less than it had confirmed, more than the blob, or nothing, is not trusted.
#[test]
fn an_implausible_offset_is_refused() {
    for range in ["0-1999998", "0-0", "0-3500000", "7-2399999", "nonsense", "0-18446744073709551615"] {
        let broken = Broken::new();
        broken.registry.fail("GET", "/uploads/", Fault::Header("range", range.to_owned()));
        broken.push_again();
        assert_eq!(parts(&broken.registry)[3], "0-999999 202", "{range}");
    }
}

/// The session contains other bytes than were sent: the registry refuses the digest, and the blob is sent again,
/// once.
#[test]
fn a_session_with_other_bytes_is_given_up() {
    let broken = Broken::new();
    broken.registry.spoil_uploads();
    broken.push_again();
    assert_eq!(parts(&broken.registry)[3], "2400000-3399999 202");
    assert_eq!(broken.registry.requests_of("PUT", "").len(), 2);
}

#[test]
fn a_damaged_journal_is_ignored() {
    let broken = Broken::new();
    for entry in fs_err::read_dir(broken.folder.path()).unwrap() {
        fs_err::write(entry.unwrap().path(), "{").unwrap();
    }
    broken.push_again();
    assert_eq!(broken.registry.requests_of("GET", "/uploads/").len(), 0);
}

#[test]
fn another_blob_and_another_repository_have_journals_of_their_own() {
    let broken = Broken::new();
    let other = bytes(SIZE - 1);
    let repository = repository_with(&broken.registry, process(broken.folder.path()));
    repository.put(&descriptor(&other), &&other[..]).unwrap();
    let reference = format!("{}/team/other", broken.registry.host()).parse().unwrap();
    let content = &broken.content;
    client(process(broken.folder.path())).repository(&reference).put(&descriptor(&content.bytes), content).unwrap();
    assert!(broken.registry.requests_of("GET", "/uploads/").is_empty());
    broken.push_again();
    assert_eq!(broken.registry.requests_of("GET", "/uploads/").len(), 1);
}

#[cfg(unix)]
#[test]
fn only_the_user_may_read_a_journal() {
    use std::os::unix::fs::PermissionsExt;
    let broken = Broken::new();
    let entry = fs_err::read_dir(broken.folder.path()).unwrap().next().unwrap().unwrap();
    assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_registry_that_takes_no_parts_gets_the_whole() {
    for status in [400, 404, 405, 501] {
        let (registry, folder) = (FakeRegistry::start(), tempfile::tempdir().unwrap());
        registry.fail("PATCH", "/uploads/", Fault::Status(status, vec![]));
        let content = bytes(SIZE);
        repository_with(&registry, process(folder.path())).put(&descriptor(&content), &&content[..]).unwrap();
        assert_eq!(registry.requests_of("PATCH", "").len(), 1, "{status}");
        assert_eq!(registry.requests_of("PUT", "").pop().unwrap().body_bytes, SIZE as u64);
    }
}

/// Neither form works: that is an error, without an endless alternation between them.
#[test]
fn a_registry_that_takes_neither_form_is_left() {
    let (registry, folder) = (FakeRegistry::start(), tempfile::tempdir().unwrap());
    registry.fail_later("PATCH", "/uploads/", 0, 100, Fault::Status(405, vec![]));
    registry.configure(|options| options.put_body = PutBody::Refused(413, "X"));
    let content = bytes(SIZE);
    let repository = repository_with(&registry, process(folder.path()));
    let error = repository.put(&descriptor(&content), &&content[..]).unwrap_err();
    assert!(chain(&error).contains("unsupported"), "{}", chain(&error));
    assert!(registry.requests().len() < 10, "{:?}", registry.log());
}

/// Content that ends with an error after so many bytes.
struct Failing<'a>(&'a [u8]);

impl Content for Failing<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let rest = &self.0[usize::try_from(offset).unwrap()..];
        Ok(Box::new(rest.chain(Unreadable)))
    }
}

struct Unreadable;

impl Read for Unreadable {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("gone"))
    }
}

/// Docker's registry signs the offset into the location, and so loses a session that is interrupted within a part.
/// Between two parts, also behind a proxy that passes whole requests only, the session stays.
#[test]
fn dockers_registry_resumes_after_the_last_whole_part() {
    let (registry, folder) = (DockerRegistry::start(), tempfile::tempdir().unwrap());
    let proxy = FaultyProxy::start(registry.host(), |_| Trouble::None);
    let repository = |settings| client(settings).repository(&format!("{}/a", proxy.host()).parse().unwrap());
    let content = bytes(SIZE);
    let whole_parts = &content[..2_000_000];
    repository(process(folder.path())).put(&descriptor(&content), &Failing(whole_parts)).unwrap_err();
    let before = proxy.sent_bytes();
    repository(process(folder.path())).put(&descriptor(&content), &&content[..]).unwrap();
    assert!(read(&repository(settings()), &descriptor(&content), 0).unwrap() == content);
    let sent = proxy.sent_bytes() - before;
    assert!((1_500_000..1_510_000).contains(&sent), "{sent}");
}
