//! Writes that a registry redirects, refuses or limits, and the warnings that it sends.

use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kit_core::oci::{Content, ContentError, Descriptor, MediaType, Source, Target};
use kit_core::progress::{Notifier, Warning};
use kit_core::registry::{Client, Error, RetryPolicy, Settings, Timeouts};

use crate::support::{
    bytes, chain, client, descriptor, giving_up_after, impatient, manifest, reference, repository, repository_with,
    settings, settings_for,
};
use kit_testkit::registry::{Access, FakeRegistry, Fault};

fn moved(status: u16, to: &FakeRegistry, path: &str) -> Fault {
    Fault::Status(status, vec![("location", format!("http://{}{path}", to.host()))])
}

#[test]
fn a_write_follows_redirects_that_keep_it_without_credentials() {
    for status in [307, 308] {
        let (registry, other) = (FakeRegistry::start(), FakeRegistry::start());
        registry.configure(|options| options.access = Access::Basic { username: "me", password: "secret" });
        let content = bytes(1000);
        let blob = descriptor(&content);
        registry.fail_later("POST", "/blobs/uploads/", 1, 1, moved(status, &other, "/v2/team/model/blobs/uploads/"));
        repository_with(&registry, settings_for("me", "secret")).put(&blob, &&content[..]).unwrap();
        assert!(other.blob(&blob.digest.to_string()).unwrap() == content);
        assert!(registry.requests().iter().any(|request| request.header("authorization").is_some()));
        assert!(other.requests().iter().all(|request| request.header("authorization").is_none()));
    }
}

#[test]
fn the_bytes_of_a_blob_follow_redirects() {
    let (registry, other) = (FakeRegistry::start(), FakeRegistry::start());
    let content = bytes(3_000_000);
    let blob = descriptor(&content);
    let digest = blob.digest.to_string();
    registry.fail(
        "PUT",
        "/blobs/uploads/",
        moved(307, &other, &format!("/v2/team/model/blobs/uploads/?digest={digest}")),
    );
    let result = repository(&registry).put(&blob, &&content[..]);
    let sent = other.requests();
    assert!(sent.iter().any(|request| request.method == "PUT" && request.body_bytes == 3_000_000), "{result:?}");
}

#[test]
fn a_redirect_that_loses_the_write_is_explained() {
    for status in [301, 302, 303] {
        let (registry, other) = (FakeRegistry::start(), FakeRegistry::start());
        registry.fail_later("POST", "/blobs/uploads/", 0, 9, moved(status, &other, "/x"));
        let content = bytes(1000);
        let error = repository(&registry).put(&descriptor(&content), &&content[..]).unwrap_err();
        let shown = chain(&error);
        assert!(shown.contains(other.host()) && shown.contains(&status.to_string()), "{shown}");
        assert!(other.requests().is_empty());
    }
}

#[test]
fn warnings_of_a_registry_are_reported_once() {
    let registry = FakeRegistry::start();
    let warning = Fault::Header("warning", "299 - \"this registry closes in May\"".to_owned());
    registry.fail_later("GET", "/v2/", 0, 9, warning);
    let reports = Arc::new(Mutex::new(Vec::new()));
    let receiver = Arc::clone(&reports);
    let notifier = Notifier::new(move |warning| receiver.lock().unwrap().push(format!("{warning:?}")));
    let client = Client::new(Settings { notifier, ..settings() }).unwrap();
    client.ping(registry.host(), None).unwrap();
    client.ping(registry.host(), None).unwrap();
    let reports = reports.lock().unwrap();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("this registry closes in May"), "{reports:?}");
}

#[test]
fn an_answer_that_contradicts_its_manifest_is_refused() {
    let registry = FakeRegistry::start();
    let index = MediaType::IMAGE_INDEX;
    let body = format!(r#"{{"schemaVersion":2,"mediaType":"{index}","manifests":[]}}"#);
    registry.add_manifest("team/model", "v1", MediaType::IMAGE_MANIFEST.as_str(), body.as_bytes());
    let error = repository(&registry).read("v1").unwrap_err();
    assert!(chain(&error).contains("but the manifest in it has the type"), "{}", chain(&error));
    let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, body.as_bytes());
    assert!(repository(&registry).manifest(&descriptor).is_err());
    registry.add_manifest("team/model", "v2", "application/json; charset=utf-8", body.as_bytes());
    assert_eq!(repository(&registry).read("v2").unwrap().0.media_type, index);
    assert_eq!(repository(&registry).resolve("v2").unwrap().media_type, index);
}

#[test]
fn a_registry_that_opens_no_upload_is_read_only() {
    let registry = FakeRegistry::start();
    registry.fail_later("POST", "/blobs/uploads/", 0, 9, Fault::Status(405, Vec::new()));
    let content = bytes(1000);
    let error = repository(&registry).put(&descriptor(&content), &&content[..]).unwrap_err();
    assert!(chain(&error).contains("is read-only"), "{}", chain(&error));
}

#[test]
fn parts_shrink_until_a_proxy_forwards_them() {
    for (limit, parts) in [(1_048_576, 3), (300_000, 12)] {
        let registry = FakeRegistry::start();
        registry.configure(|options| options.body_limit = Some(limit));
        let content = bytes(3 << 20);
        let blob = descriptor(&content);
        repository(&registry).put(&blob, &&content[..]).unwrap();
        assert!(registry.blob(&blob.digest.to_string()).unwrap() == content);
        let taken = registry.requests_of("PATCH", "").iter().filter(|request| request.status == 202).count();
        assert_eq!(taken, parts, "{:?}", registry.log());
    }
    let registry = FakeRegistry::start();
    registry.configure(|options| options.body_limit = Some(100_000));
    let content = bytes(3 << 20);
    let error = repository(&registry).put(&descriptor(&content), &&content[..]).unwrap_err();
    assert!(chain(&error).contains("413"), "{}", chain(&error));
}

/// Content whose first byte comes only after a look at the registry.
struct Slow<'a>(&'a FakeRegistry, &'a [u8]);

impl Content for Slow<'_> {
    fn open_at(&self, _offset: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        assert!(self.0.requests_of("POST", "/blobs/uploads/").is_empty(), "the upload was opened before");
        Ok(Box::new(std::io::Cursor::new(self.1.to_vec())))
    }
}

#[test]
fn an_upload_is_opened_when_its_first_bytes_are_there() {
    let registry = FakeRegistry::start();
    let content = bytes(200_000);
    let blob = descriptor(&content);
    repository(&registry).put(&blob, &Slow(&registry, &content)).unwrap();
    assert!(registry.blob(&blob.digest.to_string()).unwrap() == content);
}

#[test]
fn the_repositories_of_a_registry_are_listed_page_by_page() {
    let registry = FakeRegistry::start();
    let error = client(settings()).repositories(registry.host()).unwrap_err();
    assert!(matches!(error, Error::NotFound { .. } | Error::Unsupported { .. }), "{error}");
    registry.add_file("/v2/_catalog", b"\xef\xbb\xbf{\"repositories\":[\"a/b\",\"c\"]}\n");
    let names = client(settings()).repositories(registry.host());
    assert_eq!(names.unwrap(), ["a/b", "c"]);
}

#[test]
fn a_document_must_arrive_in_time_and_a_long_pause_is_refused() {
    let registry = FakeRegistry::start();
    registry.add_manifest("team/model", "v1", MediaType::IMAGE_MANIFEST.as_str(), &bytes(2000));
    registry.fail_later("GET", "/manifests/", 0, 9, Fault::SlowAnswer(100));
    let mut impatient = settings();
    impatient.timeouts.document = std::time::Duration::from_millis(300);
    let error = repository_with(&registry, impatient).read("v1").unwrap_err();
    assert!(chain(&error).contains("the answer was not complete"), "{}", chain(&error));
    assert_eq!(registry.requests_of("GET", "/manifests/").len(), 1);
    let registry = FakeRegistry::start();
    registry.fail_later("GET", "/v2/", 0, 9, Fault::Status(429, vec![("retry-after", "599".to_owned())]));
    let error = client(settings()).ping(registry.host(), None).unwrap_err();
    assert!(error.to_string().ends_with("answered 429 and asks to wait 599 s"), "{error}");
}

#[test]
fn a_slow_connection_is_replaced_and_the_blob_continues() {
    let registry = FakeRegistry::start();
    let content = bytes(3000);
    registry.add_blob_to("team/model", &content);
    let blob = descriptor(&content);
    registry.fail("GET", "/blobs/", Fault::SlowAnswer(200));
    let mut impatient = settings();
    impatient.timeouts.slow = std::time::Duration::from_millis(300);
    let read = crate::support::read(&repository_with(&registry, impatient), &blob, 0).unwrap();
    assert!(read == content);
    let gets = registry.requests_of("GET", "/blobs/");
    assert_eq!(gets.len(), 2);
    assert!(gets[1].header("range").is_some_and(|range| range != "bytes=0-2999"), "{:?}", gets[1].header("range"));
}

/// A restart of a registry takes longer than a few attempts, for a manifest as for a blob.
#[test]
fn a_manifest_is_sent_for_as_long_as_a_blob_would_be() {
    let registry = FakeRegistry::start();
    registry.fail_later("PUT", "/manifests/", 0, 30, Fault::Status(503, vec![]));
    let bytes = manifest("a");
    let descriptor = Descriptor::of(MediaType::of("application/vnd.oci.image.manifest.v1+json"), &bytes);
    repository(&registry).publish(&descriptor, &bytes, Some("v1")).unwrap();
    assert_eq!(registry.requests_of("PUT", "/manifests/").len(), 31);
}

#[test]
fn a_registry_that_never_answered_is_given_up_after_a_few_attempts() {
    let retry = RetryPolicy { give_up_after: Duration::from_secs(600), ..settings().retry };
    let settings = Settings { retry, ..settings() };
    let error = client(settings).repository(&reference("127.0.0.1:1")).resolve("v1").unwrap_err();
    assert!(chain(&error).starts_with("gave up after 4 attempts"), "{}", chain(&error));
}

#[test]
fn a_silent_registry_is_reported() {
    let registry = FakeRegistry::start();
    registry.add_manifest("team/model", "v1", "application/vnd.oci.image.manifest.v1+json", &manifest("a"));
    registry.fail_later("HEAD", "/manifests/", 0, 1, Fault::NoAnswer);
    let reports = Arc::new(Mutex::new(Vec::new()));
    let receiver = Arc::clone(&reports);
    let notifier = Notifier::new(move |warning| {
        if let Warning::WaitingForAnswer { registry, .. } = warning {
            receiver.lock().unwrap().push((*registry).to_owned());
        }
    });
    repository_with(&registry, Settings { notifier, ..impatient() }).resolve("v1").unwrap();
    assert_eq!(*reports.lock().unwrap(), [registry.host()]);
}

#[test]
fn a_manifest_that_is_never_answered_is_given_up_long_before_a_blob_would_be() {
    let registry = FakeRegistry::start();
    registry.fail_later("PUT", "/manifests/", 0, usize::MAX, Fault::NoAnswer);
    let (silence, commit) = (Duration::from_millis(300), Duration::from_secs(600));
    let settings = giving_up_after(500);
    let settings = Settings { timeouts: Timeouts { silence, commit, ..settings.timeouts }, ..settings };
    let started = Instant::now();
    let bytes = manifest("a");
    let descriptor = Descriptor::of(MediaType::of("application/vnd.oci.image.manifest.v1+json"), &bytes);
    let error = repository_with(&registry, settings).publish(&descriptor, &bytes, Some("v1")).unwrap_err();
    assert!(chain(&error).contains("did not respond"), "{}", chain(&error));
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}
