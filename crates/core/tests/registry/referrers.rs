//! Referrers of a manifest: found by the registry's list, or by a tag if there is none.

use std::path::Path;

use kit_core::limits;
use kit_core::oci::{Descriptor, Manifest, MediaType, Source, Target};
use kit_core::registry::{HostSettings, Repository, Settings};
use serde_json::{Value, json};

use crate::support::{chain, manifest, repository, repository_with, settings};
use kit_testkit::registry::{FakeRegistry, Fault};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

fn subject() -> Descriptor {
    Descriptor::of(MediaType::IMAGE_MANIFEST, &manifest("subject"))
}

/// A manifest with the subject, and its bytes.
fn referrer(text: &str) -> (Descriptor, Vec<u8>) {
    let mut manifest = Manifest::new(MediaType::of("test/kind"), Descriptor::of(MediaType::EMPTY, b"{}"), Vec::new());
    manifest.subject = Some(subject());
    manifest.annotations.insert("text".to_owned(), text.to_owned());
    let bytes = manifest.to_bytes();
    (Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes), bytes)
}

/// A registry that has the blob of all referrers.
fn registry(has_list: bool) -> FakeRegistry {
    let registry = FakeRegistry::start();
    registry.add_blob(b"{}");
    registry.configure(|options| options.referrers = has_list);
    registry
}

fn publish(repository: &Repository, text: &str) -> Descriptor {
    let (descriptor, bytes) = referrer(text);
    repository.publish(&descriptor, &bytes, None).unwrap();
    descriptor
}

/// The texts of the referrers of the subject.
fn texts(repository: &Repository) -> Vec<String> {
    let listed = repository.referrers(&subject()).unwrap();
    assert!(listed.iter().all(|found| found.artifact_type == Some(MediaType::of("test/kind"))));
    let mut texts: Vec<_> = listed.into_iter().map(|found| found.annotations["text"].clone()).collect();
    texts.sort();
    texts
}

fn tag() -> String {
    subject().digest.to_string().replace(':', "-")
}

fn index(registry: &FakeRegistry) -> Value {
    let (media_type, bytes) = registry.manifest("team/model", &tag()).unwrap();
    assert_eq!(media_type, INDEX);
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn a_registry_with_a_list_needs_no_tag() {
    let registry = registry(true);
    let repository = repository(&registry);
    publish(&repository, "one");
    publish(&repository, "two");
    assert!(registry.requests().iter().all(|request| !request.target.contains("/manifests/sha256-")));
    registry.forget_requests();
    assert_eq!(texts(&repository), ["one", "two"]);
    assert_eq!(registry.requests().len(), 1);
    registry.configure(|options| options.tags_per_page = 1);
    assert_eq!(texts(&repository), ["one", "two"], "from two pages");
}

#[test]
fn a_registry_without_a_list_gets_an_index_under_a_tag() {
    let registry = registry(false);
    let repository = repository(&registry);
    let one = publish(&repository, "one");
    let (tag, path) = (tag(), "/v2/team/model/manifests");
    let expected = [
        format!("PUT {path}/{} 201", one.digest),
        format!("GET {path}/{tag} 404"),
        format!("PUT {path}/{tag} 201"),
        format!("GET {path}/{tag} 200"),
    ];
    assert_eq!(registry.log(), expected);
    publish(&repository, "two");
    publish(&repository, "one");
    assert!(repository.tags().unwrap().is_empty(), "the tag is not listed");
    assert_eq!(index(&registry)["manifests"].as_array().unwrap().len(), 2, "each once");
    assert_eq!(texts(&repository), ["one", "two"]);
}

#[test]
fn a_missing_list_is_remembered() {
    let (registry, folder) = (registry(false), tempfile::tempdir().unwrap());
    let process = |folder: &Path| {
        repository_with(&registry, Settings { registries_folder: Some(folder.to_owned()), ..settings() })
    };
    registry.add_manifest("team/model", "v1", "", &manifest("subject"));
    assert!(texts(&process(folder.path())).is_empty());
    assert_eq!(registry.requests().len(), 2, "no list, and no tag");
    registry.forget_requests();
    assert!(texts(&process(folder.path())).is_empty());
    assert_eq!(registry.requests().len(), 1);
    // The answer to a manifest shows that there is a list by now.
    registry.configure(|options| options.referrers = true);
    publish(&process(folder.path()), "one");
    assert_eq!(texts(&process(folder.path())), ["one"]);
}

#[test]
fn an_answer_that_is_not_an_index_is_not_a_list() {
    for fault in [Fault::Status(200, vec![("content-type", "text/html".to_owned())]), Fault::Status(405, vec![])] {
        let registry = registry(false);
        publish(&repository(&registry), "one");
        registry.fail("GET", "/referrers/", fault);
        assert_eq!(texts(&repository(&registry)), ["one"]);
    }
}

#[test]
fn an_entry_that_another_writer_dropped_is_written_again() {
    let registry = registry(false);
    // The write is confirmed, but another index is under the tag.
    registry.fail("PUT", "/manifests/sha256-", Fault::Status(201, Vec::new()));
    publish(&repository(&registry), "one");
    assert_eq!(registry.requests_of("PUT", "/manifests/sha256-").len(), 2);
    assert_eq!(texts(&repository(&registry)), ["one"]);
    registry.fail_later("PUT", "/manifests/sha256-", 0, 100, Fault::Status(201, Vec::new()));
    let (descriptor, bytes) = referrer("two");
    let error = chain(&repository(&registry).publish(&descriptor, &bytes, None).unwrap_err());
    assert!(error.contains("other writers removed it from the tag 10 times"), "{error}");
}

#[test]
fn foreign_entries_in_the_index_stay() {
    let registry = registry(false);
    let foreign =
        json!({ "mediaType": "x", "digest": format!("sha512:{}", "a".repeat(128)), "size": 1, "data": "e30=" });
    let before =
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [foreign], "annotations": { "by": "them" } });
    registry.add_manifest("team/model", &tag(), INDEX, before.to_string().as_bytes());
    publish(&repository(&registry), "one");
    let after = index(&registry);
    assert_eq!((&after["manifests"][0], &after["annotations"]["by"]), (&foreign, &json!("them")));
    assert_eq!(texts(&repository(&registry)), ["one"], "a digest that we cannot read hides no other");
}

#[test]
fn a_tag_with_foreign_content_is_left_alone() {
    let registry = registry(false);
    let digest = registry.add_manifest("team/model", &tag(), "", &manifest("theirs"));
    let (descriptor, bytes) = referrer("one");
    let error = chain(&repository(&registry).publish(&descriptor, &bytes, None).unwrap_err());
    assert!(error.contains("the tag is not an index of referrers"), "{error}");
    assert_eq!(registry.manifest("team/model", &tag()), registry.manifest("team/model", &digest));
}

#[test]
fn a_list_without_an_end_is_read_to_a_limit() {
    let registry = registry(true);
    registry.add_manifest("team/model", "v1", "", &manifest("subject"));
    let media_type = MediaType::IMAGE_MANIFEST;
    let forged = json!({ "mediaType": media_type, "digest": subject().digest, "size": 1, "artifactType": "test/kind" });
    registry.configure(|options| options.forged_referrers = vec![forged; 100_000]);
    assert_eq!(
        repository(&registry).referrers(&subject()).unwrap().len(),
        limits::REFERRERS + 1,
        "a caller sees that there are more"
    );
    assert_eq!(registry.requests().len(), (limits::REFERRERS + 1).div_ceil(100));
}

#[test]
fn a_mirror_without_referrers_does_not_hide_those_of_the_registry() {
    let (home, mirror) = (registry(true), registry(true));
    publish(&repository(&home), "home");
    let reading = || {
        let mirrors = vec![format!("http://{}", mirror.host()).parse().unwrap()];
        let own = HostSettings { plain_http: Some(true), mirrors, ..HostSettings::default() };
        repository_with(&home, Settings { hosts: [(home.host().to_owned(), own)].into(), ..settings() })
    };
    assert_eq!(texts(&reading()), ["home"], "the mirror has nothing at all");
    mirror.add_manifest("team/model", "v1", "", &manifest("subject"));
    assert_eq!(texts(&reading()), ["home"], "the mirror has an empty list");
    publish(&repository(&mirror), "mirror");
    assert_eq!(texts(&reading()), ["mirror"]);
}
