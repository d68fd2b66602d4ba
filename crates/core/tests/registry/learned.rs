//! Refusals of a registry are remembered, in this process and in the next.

use std::path::Path;

use kit_core::oci::{Descriptor, Manifest, MediaType, Target};
use kit_core::registry::Settings;

use crate::support::{Watched, bytes, chain, descriptor, reference, repository_with, settings};
use kit_testkit::registry::{FakeRegistry, PutBody};

const SIZE: usize = 9_000_000;

/// Settings of a process with a memory in `folder`.
fn process(folder: &Path) -> Settings {
    Settings { registries_folder: Some(folder.to_owned()), resumable_bytes: 1_000_000, ..settings() }
}

/// Pushes a unique blob with `settings`, and returns the requests with a body, each as its method, its size and the
/// status.
fn push(registry: &FakeRegistry, settings: Settings, size: usize) -> Vec<String> {
    let content = Watched::new(&bytes(size));
    registry.forget_requests();
    repository_with(registry, settings).put(&descriptor(&content.bytes), &content).unwrap();
    let with_body = registry.requests().into_iter().filter(|request| request.body_bytes > 0);
    with_body.map(|request| format!("{} {} {}", request.method, request.body_bytes, request.status)).collect()
}

#[test]
fn a_registry_that_takes_no_parts_is_not_sent_one_again() {
    let (registry, folder) = (FakeRegistry::start(), tempfile::tempdir().unwrap());
    registry.configure(|options| options.parts = false);
    assert_eq!(push(&registry, process(folder.path()), SIZE), ["PATCH 1000000 405", "PUT 9000000 201"]);
    assert_eq!(push(&registry, process(folder.path()), SIZE + 1), ["PUT 9000001 201"]);
    // Without a folder nothing is known, and nothing is stored.
    assert_eq!(push(&registry, Settings { registries_folder: None, ..process(folder.path()) }, SIZE).len(), 2);
}

#[test]
fn the_next_upload_starts_with_the_reduced_part_size() {
    let (registry, folder) = (FakeRegistry::start(), tempfile::tempdir().unwrap());
    registry.configure(|options| options.largest_part = Some(4 * 1024 * 1024));
    let large = |folder| Settings { resumable_bytes: 8_000_000, ..process(folder) };
    let small = ["PATCH 4194304 202", "PATCH 4194304 202", "PATCH 611392 202"];
    let first = push(&registry, large(folder.path()), SIZE);
    assert_eq!((first[0].as_str(), &first[1..]), ("PATCH 8000000 416", &small.map(str::to_owned)[..]));
    assert_eq!(push(&registry, large(folder.path()), SIZE), small);
}

#[test]
fn a_blob_as_large_as_one_refused_whole_is_sent_in_parts() {
    let (registry, folder) = (FakeRegistry::start(), tempfile::tempdir().unwrap());
    registry.configure(|options| options.put_body = PutBody::Refused(413, "SIZE_INVALID"));
    let whole = |folder| Settings { resumable_bytes: 10_000_000, chunk_bytes: 5_000_000, ..process(folder) };
    let parts = ["PATCH 5000000 202", "PATCH 4000000 202"];
    assert_eq!(push(&registry, whole(folder.path()), SIZE)[1..], parts);
    assert_eq!(push(&registry, whole(folder.path()), SIZE), parts);
    let smaller = push(&registry, whole(folder.path()), SIZE - 1);
    assert_eq!(smaller[0], "PUT 8999999 413", "a smaller one may do");
}

/// A refusal of one form is only remembered if the other form then worked.
#[test]
fn an_upload_that_fails_teaches_nothing() {
    let (registry, folder) = (FakeRegistry::start(), tempfile::tempdir().unwrap());
    registry.configure(|options| {
        options.parts = false;
        options.put_body = PutBody::Refused(403, "DENIED");
    });
    let content = bytes(SIZE);
    repository_with(&registry, process(folder.path())).put(&descriptor(&content), &&content[..]).unwrap_err();
    assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_manifest_that_is_refused_for_its_artifact_type_is_said_to_be() {
    let (registry, folder) = (FakeRegistry::start(), tempfile::tempdir().unwrap());
    let config = registry.add_blob(b"{}");
    assert_eq!(config, descriptor(b"{}").digest.to_string());
    let config = Descriptor::of(MediaType::of("application/vnd.test.config"), b"{}");
    let manifest = Manifest::new(MediaType::of("application/vnd.test"), config, vec![]).to_bytes();
    let published = Descriptor::of(MediaType::IMAGE_MANIFEST, &manifest);
    for (status, code) in [(400, "MANIFEST_INVALID"), (415, "X"), (405, "UNSUPPORTED"), (400, "UNSUPPORTED")] {
        registry.configure(|options| options.artifact_type_refusal = Some((status, code)));
        let repository = repository_with(&registry, process(folder.path()));
        let error = repository.publish(&published, &manifest, Some("v1")).unwrap_err();
        let name = reference(registry.host()).to_string();
        let expected = format!(
            "cannot publish `{name}:v1`: `{}` refuses a manifest with artifactType `application/vnd.test` and config \
             `application/vnd.test.config`, and a changed one would have another digest / {code}: manifest invalid",
            registry.host()
        );
        assert_eq!(chain(&error), expected, "{status}");
    }
    let kept = fs_err::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    assert!(fs_err::read_to_string(kept).unwrap().contains(r#""artifact-type":{"isSupported":false"#));
}

#[test]
fn another_refusal_of_a_manifest_is_reported_unchanged() {
    let registry = FakeRegistry::start();
    for (status, code) in [(400, "TAG_INVALID"), (403, "DENIED"), (413, "X")] {
        registry.configure(|options| options.artifact_type_refusal = Some((status, code)));
        let manifest = Manifest::new(MediaType::of("a"), descriptor(b"{}"), vec![]).to_bytes();
        let published = Descriptor::of(MediaType::IMAGE_MANIFEST, &manifest);
        let error = repository_with(&registry, settings()).publish(&published, &manifest, None).unwrap_err();
        assert!(!chain(&error).contains("artifactType"), "{}", chain(&error));
    }
}
