//! Sending: blobs in one PUT, manifests, deletion.

use kit_core::digest::Mismatch;
use kit_core::oci::{ContentError, Descriptor, MediaType, Source, Target};
use kit_core::registry::Error;

use crate::support::{
    Watched, bytes, chain, descriptor, digest, giving_up_after, impatient, manifest, repository, repository_with,
    settings_for,
};
use kit_testkit::registry::{Access, FakeRegistry, Fault};

const SIZE: usize = 3_000_000;

#[test]
fn a_blob_is_sent_whole() {
    let registry = FakeRegistry::start();
    let content = bytes(SIZE);
    let descriptor = descriptor(&content);
    repository(&registry).put(&descriptor, &&content[..]).unwrap();
    assert!(registry.blob(&descriptor.digest.to_string()).unwrap() == content);
    assert_eq!(registry.log(), ["POST /v2/team/model/blobs 202", "PUT /v2/team/model/blobs 201"]);
    let put = &registry.requests()[1];
    assert_eq!(put.header("content-length"), Some("3000000"));
    assert_eq!(put.header("content-type"), Some("application/octet-stream"));
    assert_eq!(put.header("transfer-encoding"), None);
    assert_eq!(registry.requests()[0].header("content-length"), Some("0"));
}

#[test]
fn an_empty_blob_is_sent() {
    let registry = FakeRegistry::start();
    repository(&registry).put(&descriptor(b""), &&b""[..]).unwrap();
    assert!(registry.blob(&descriptor(b"").digest.to_string()).unwrap().is_empty());
}

#[test]
fn the_answer_need_not_say_where_the_blob_is() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.final_location = false);
    repository(&registry).put(&descriptor(b"hello"), &&b"hello"[..]).unwrap();
}

#[test]
fn locations_are_relative_or_absolute() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.upload_origin = Some(format!("http://{}", registry.host())));
    repository(&registry).put(&descriptor(b"hello"), &&b"hello"[..]).unwrap();
}

#[test]
fn credentials_do_not_follow_an_upload_to_another_place() {
    let (registry, other) = (FakeRegistry::start(), FakeRegistry::start());
    registry.configure(|options| {
        options.access = Access::Basic { username: "me", password: "secret" };
        options.upload_origin = Some(format!("http://{}", other.host()));
    });
    let repository = repository_with(&registry, settings_for("me", "secret"));
    assert!(repository.put(&descriptor(b"hello"), &&b"hello"[..]).is_err());
    assert!(!other.requests().is_empty());
    assert!(other.requests().iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn contains_finds_stored_blobs() {
    let registry = FakeRegistry::start();
    let repository = repository(&registry);
    let there = descriptor(b"hello");
    assert!(!repository.contains(&there).unwrap());
    registry.add_blob(b"hello");
    assert!(repository.contains(&there).unwrap());
    assert!(!repository.contains(&Descriptor { size: 4, ..there.clone() }).unwrap());
    registry.configure(|options| options.head = false);
    assert!(!repository.contains(&there).unwrap());
}

#[test]
fn content_that_is_too_short_is_not_completed() {
    let registry = FakeRegistry::start();
    let content = bytes(SIZE);
    let error = repository(&registry).put(&descriptor(&content), &&content[..SIZE - 1]).unwrap_err();
    assert!(matches!(error, ContentError::Mismatch(Mismatch::TooShort { found: 2_999_999, .. })), "{error}");
    assert!(registry.requests().iter().all(|request| request.status != 201));
}

#[test]
fn content_that_is_wrong_is_refused_by_the_registry() {
    let registry = FakeRegistry::start();
    let error = repository(&registry).put(&descriptor(b"hello"), &&b"hellO"[..]).unwrap_err();
    // The registry says DIGEST_INVALID; the content is read again to find out who is right.
    assert!(matches!(error, ContentError::Mismatch(_)), "{}", chain(&error));
    assert_eq!(registry.requests().len(), 2);
}

#[test]
fn an_unreadable_source_is_reported_as_such() {
    struct Unreadable;
    impl kit_core::oci::Content for Unreadable {
        fn open_at(&self, _: u64) -> Result<Box<dyn std::io::Read + Send>, ContentError> {
            Err(ContentError::NotFound("the source".to_owned()))
        }
    }
    let registry = FakeRegistry::start();
    let error = repository(&registry).put(&descriptor(b"hello"), &Unreadable).unwrap_err();
    assert!(matches!(error, ContentError::NotFound(name) if name == "the source"));
}

#[test]
fn a_refused_session_is_asked_for_again() {
    let registry = FakeRegistry::start();
    registry.fail("POST", "/uploads/", Fault::Status(500, vec![]));
    registry.fail_later("POST", "/uploads/", 1, 1, Fault::Status(429, vec![("retry-after", "0".to_owned())]));
    repository(&registry).put(&descriptor(b"hello"), &&b"hello"[..]).unwrap();
    assert_eq!(registry.requests_of("POST", "").len(), 3);
}

#[test]
fn retry_after_is_honoured() {
    let registry = FakeRegistry::start();
    registry.fail("POST", "/uploads/", Fault::Status(429, vec![("retry-after", "1".to_owned())]));
    let start = std::time::Instant::now();
    repository(&registry).put(&descriptor(b"hello"), &&b"hello"[..]).unwrap();
    assert!(start.elapsed().as_millis() >= 1000, "{:?}", start.elapsed());
}

/// The PUT failed with a status and nothing was kept: it is sent again, in one PUT.
#[test]
fn a_failed_put_is_repeated_from_the_start() {
    let registry = FakeRegistry::start();
    registry.fail("PUT", "/uploads/", Fault::Status(503, vec![]));
    let content = Watched::new(&bytes(SIZE));
    repository(&registry).put(&descriptor(&content.bytes), &content).unwrap();
    assert_eq!(content.opened_at(), [0, 0]);
    assert_eq!(registry.requests_of("PATCH", "").len(), 0);
    assert_eq!(registry.requests_of("PUT", "").len(), 2);
}

/// Everything arrived and only the answer was lost: forty gigabytes are not sent again.
#[test]
fn a_blob_whose_confirmation_is_lost_is_not_sent_again() {
    for fault in [Fault::DropInsteadOfAnswer, Fault::NoAnswer] {
        let registry = FakeRegistry::start();
        registry.fail("PUT", "/uploads/", fault);
        let content = bytes(SIZE);
        repository_with(&registry, impatient()).put(&descriptor(&content), &&content[..]).unwrap();
        let sent: u64 = registry.requests().iter().map(|request| request.body_bytes).sum();
        assert_eq!(sent, SIZE as u64);
    }
}

#[test]
fn an_upload_that_never_works_ends() {
    let registry = FakeRegistry::start();
    registry.fail_later("PUT", "/uploads/", 0, usize::MAX, Fault::Status(500, vec![]));
    let repository = repository_with(&registry, giving_up_after(200));
    let error = repository.put(&descriptor(b"hello"), &&b"hello"[..]).unwrap_err();
    assert!(chain(&error).contains("answered 500 / FAULT: this went wrong on purpose"), "{}", chain(&error));
}

/// A restart of a registry takes longer than a few attempts; the upload waits, and queries the session repeatedly.
#[test]
fn an_upload_outlives_a_registry_that_is_away_for_a_while() {
    let registry = FakeRegistry::start();
    let content = bytes(SIZE);
    registry.fail("PUT", "/uploads/", Fault::DropRequestAfter(200_000));
    registry.fail_later("GET", "/uploads/", 0, 20, Fault::Status(503, vec![]));
    repository(&registry).put(&descriptor(&content), &&content[..]).unwrap();
    assert_eq!(registry.requests_of("POST", "").len(), 1, "it is the same session");
}

#[test]
fn a_manifest_is_published_as_it_is() {
    let registry = FakeRegistry::start();
    let content = manifest("a");
    let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &content);
    let repository = repository(&registry);
    repository.publish(&descriptor, &content, None).unwrap();
    repository.publish(&descriptor, &content, Some("v1")).unwrap();
    let (media_type, stored) = registry.manifest("team/model", "v1").unwrap();
    assert_eq!((media_type.as_str(), &stored[..]), (descriptor.media_type.as_str(), &content[..]));
    assert_eq!(registry.requests()[0].target, format!("/v2/team/model/manifests/{}", descriptor.digest));
    assert_eq!(registry.requests()[1].target, "/v2/team/model/manifests/v1");
    assert_eq!(repository.resolve("v1").unwrap(), descriptor);
}

#[test]
fn a_manifest_whose_blobs_are_missing_is_refused_with_the_reason() {
    let registry = FakeRegistry::start();
    let missing = descriptor(b"config");
    let content = serde_json::json!({ "schemaVersion": 2, "config": missing, "layers": [] }).to_string().into_bytes();
    let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &content);
    let error = repository(&registry).publish(&descriptor, &content, Some("v1")).unwrap_err();
    let expected = format!("MANIFEST_BLOB_UNKNOWN: blob unknown to registry: {}", missing.digest);
    assert!(chain(&error).ends_with(&expected), "{}", chain(&error));
}

#[test]
fn a_manifest_is_deleted_by_digest() {
    let registry = FakeRegistry::start();
    let name = registry.add_manifest("team/model", "v1", MediaType::IMAGE_MANIFEST.as_str(), &manifest("a"));
    repository(&registry).delete(&name).unwrap();
    assert!(registry.manifest("team/model", "v1").is_none());
    assert!(matches!(repository(&registry).delete(&name), Err(Error::NotFound { .. })));
    assert!(digest(&name).to_string() == name);
}

#[test]
fn a_registry_without_deletion_is_reported() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.delete = false);
    let error = repository(&registry).delete("v1").unwrap_err();
    let host = registry.host();
    assert_eq!(error.to_string(), format!("cannot delete `{host}/team/model:v1`: unsupported by registry `{host}`"));
}
