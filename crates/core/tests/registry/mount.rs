//! Mounting blobs from another repository of the same registry.

use kit_core::oci::{BlobOutcome, Target};

use crate::support::{bytes, descriptor, repository};
use kit_testkit::registry::{Access, Bearer, FakeRegistry, Fault};

const SIZE: usize = 200_000;

/// A registry that has a blob in `team/base` and nowhere else.
fn registry_with(content: &[u8]) -> FakeRegistry {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.own_blobs = true);
    registry.add_blob_to("team/base", content);
    registry
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn a_blob_is_mounted_and_no_byte_moves() {
    let content = bytes(SIZE);
    let (registry, blob) = (registry_with(&content), descriptor(&content));
    let repository = repository(&registry);
    let origin = repository.origin_among(&blob, &names(&["team/other", "team/base"])).unwrap();
    assert_eq!(origin.as_deref(), Some("team/base"));
    assert_eq!(repository.put_from(&blob, Some("team/base"), &&content[..]).unwrap(), BlobOutcome::Mounted);
    assert!(repository.contains(&blob).unwrap());
    assert!(registry.requests().iter().all(|request| request.body_bytes == 0));
    let post = &registry.requests_of("POST", "")[0];
    let digest = blob.digest.to_string().replace(':', "%3A");
    assert_eq!(post.target, format!("/v2/team/model/blobs/uploads/?mount={digest}&from=team%2Fbase"));
}

#[test]
fn an_empty_repository_and_the_target_itself_are_not_origins() {
    let content = bytes(SIZE);
    let (registry, blob) = (registry_with(&content), descriptor(&content));
    let repository = repository(&registry);
    assert_eq!(repository.origin_among(&blob, &names(&["team/other"])).unwrap(), None);
    registry.add_blob_to("team/model", &content);
    assert_eq!(repository.origin_among(&blob, &names(&["team/model"])).unwrap(), None);
    registry.fail_later("HEAD", "team/base", 0, 100, Fault::Status(403, vec![]));
    assert_eq!(repository.origin_among(&blob, &names(&["team/base"])).unwrap(), None);
}

/// The answer 202 opens an upload session, and it is used.
#[test]
fn a_registry_that_does_not_mount_gets_the_blob_in_the_session_that_it_opened() {
    let content = bytes(SIZE);
    let (registry, blob) = (registry_with(&content), descriptor(&content));
    registry.configure(|options| options.mounts = false);
    assert_eq!(
        repository(&registry).put_from(&blob, Some("team/base"), &&content[..]).unwrap(),
        BlobOutcome::Sent { resumed_bytes: 0 }
    );
    assert_eq!(registry.log(), ["POST /v2/team/model/blobs 202", "PUT /v2/team/model/blobs 201"]);
}

#[test]
fn a_refused_mount_becomes_an_upload() {
    for status in [400, 403, 404, 405] {
        let content = bytes(SIZE);
        let (registry, blob) = (registry_with(&content), descriptor(&content));
        registry.fail("POST", "mount=", Fault::Status(status, vec![]));
        assert_eq!(
            repository(&registry).put_from(&blob, Some("team/base"), &&content[..]).unwrap(),
            BlobOutcome::Sent { resumed_bytes: 0 }
        );
        assert_eq!(registry.requests_of("POST", "").len(), 2, "{status}");
    }
}

#[test]
fn a_mount_that_failed_for_a_moment_is_asked_for_again() {
    let content = bytes(SIZE);
    let (registry, blob) = (registry_with(&content), descriptor(&content));
    registry.fail("POST", "mount=", Fault::Status(503, vec![]));
    assert_eq!(repository(&registry).put_from(&blob, Some("team/base"), &&content[..]).unwrap(), BlobOutcome::Mounted);
}

/// The fake registry answers 401 to a mount whose token does not include the origin.
#[test]
fn the_token_for_a_mount_reaches_to_the_origin() {
    let content = bytes(SIZE);
    let (registry, blob) = (registry_with(&content), descriptor(&content));
    registry.configure(|options| {
        options.access = Access::Bearer(Bearer { names_scope: false, ..Bearer::default() });
    });
    let repository = repository(&registry);
    assert!(!repository.contains(&blob).unwrap());
    assert_eq!(repository.put_from(&blob, Some("team/base"), &&content[..]).unwrap(), BlobOutcome::Mounted);
    let asked = registry.requests_of("GET", "/token").pop().unwrap().target;
    assert!(asked.contains("scope=repository%3Ateam%2Fbase%3Apull"), "{asked}");
}
