//! Mirrors: they are asked first, their content is verified, and they are not used any more after a failure.

use std::io::Read;

use kit_core::oci::{ContentError, Descriptor, Source, Target};
use kit_core::registry::{CredentialStore, HostSettings, Repository, Settings};

use crate::support::{bytes, descriptor, digest, impatient, manifest, read, repository_with, settings};
use kit_testkit::registry::{Access, FakeRegistry, Fault};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry with a manifest and a blob, and mirrors that are still empty.
struct Scene {
    registry: FakeRegistry,
    mirrors: [FakeRegistry; 2],
    blob: Vec<u8>,
}

impl Scene {
    fn new(size: usize) -> Self {
        let scene = Self {
            registry: FakeRegistry::start(),
            mirrors: [FakeRegistry::start(), FakeRegistry::start()],
            blob: bytes(size),
        };
        scene.fill(&scene.registry, "team/model");
        scene
    }

    fn fill(&self, registry: &FakeRegistry, repository: &str) {
        registry.add_blob(&self.blob);
        registry.add_manifest(repository, "v1", MANIFEST, &manifest("a"));
    }

    /// A client that uses https unless a mirror or a host is configured for http.
    fn repository(&self, settings: Settings) -> Repository {
        let url = |mirror: &FakeRegistry| format!("http://{}", mirror.host()).parse().unwrap();
        let own = HostSettings {
            plain_http: Some(true),
            mirrors: self.mirrors.iter().map(url).collect(),
            ..HostSettings::default()
        };
        let hosts = [(self.registry.host().to_owned(), own)].into();
        repository_with(&self.registry, Settings { plain_http: false, hosts, ..settings })
    }

    /// Resolves the tag, reads the manifest and the blob.
    fn pull(&self, repository: &Repository) {
        let found = repository.resolve("v1").unwrap();
        assert_eq!(repository.manifest(&found).unwrap(), manifest("a"));
        assert!(read(repository, &descriptor(&self.blob), 0).unwrap() == self.blob);
    }
}

fn counts(scene: &Scene) -> [usize; 3] {
    let count = |registry: &FakeRegistry| registry.requests().len();
    [count(&scene.mirrors[0]), count(&scene.mirrors[1]), count(&scene.registry)]
}

#[test]
fn the_first_mirror_that_has_everything_is_enough() {
    let scene = Scene::new(5000);
    scene.fill(&scene.mirrors[0], "team/model");
    scene.pull(&scene.repository(settings()));
    assert_eq!(counts(&scene), [3, 0, 0]);
    let namespace = format!("?ns={}", scene.registry.host().replace(':', "%3A"));
    assert!(scene.mirrors[0].requests().iter().all(|request| request.target.ends_with(&namespace)));
}

#[test]
fn a_blob_missing_in_a_mirror_comes_from_the_next() {
    let scene = Scene::new(5000);
    scene.mirrors[1].add_blob(&scene.blob);
    let repository = scene.repository(settings());
    scene.pull(&repository);
    // A mirror that lacks one blob is still asked for the next.
    assert_eq!(counts(&scene), [3, 3, 2]);
}

#[test]
fn an_unreachable_mirror_gets_no_more_requests() {
    let scene = Scene::new(5000);
    scene.fill(&scene.mirrors[1], "team/model");
    for fault in [
        Fault::Status(503, vec![]),
        Fault::Status(403, vec![]),
        Fault::Status(429, vec![("retry-after", "60".to_owned())]),
        Fault::DropInsteadOfAnswer,
    ] {
        scene.mirrors.iter().for_each(FakeRegistry::forget_requests);
        scene.mirrors[0].fail_later("HEAD", "", 0, usize::MAX, fault.clone());
        scene.pull(&scene.repository(settings()));
        assert_eq!(counts(&scene)[1..], [3, 0], "{fault:?}");
        assert!(
            scene.mirrors[0].requests_of("GET", "").len() <= 1,
            "{fault:?}: only to read the metadata that HEAD did not contain"
        );
    }
}

#[test]
fn a_mirror_gets_only_its_own_credentials() {
    let scene = Scene::new(5000);
    scene.fill(&scene.mirrors[1], "team/model");
    let wants = |username, password| Access::Basic { username, password };
    scene.registry.configure(|options| options.access = wants("me", "secret"));
    scene.mirrors[0].configure(|options| options.access = wants("me", "secret"));
    scene.mirrors[1].configure(|options| options.access = wants("other", "password"));
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("credentials.json");
    let entry = |name: &str, password: &str| serde_json::json!({ "username": name, "password": password });
    let auths = serde_json::json!({
        scene.registry.host(): entry("me", "secret"),
        scene.mirrors[1].host(): entry("other", "password"),
    });
    fs_err::write(&own, serde_json::json!({ "auths": auths }).to_string()).unwrap();
    let credentials = CredentialStore { own: Some(own), ..CredentialStore::default() };
    scene.pull(&scene.repository(Settings { credentials, ..settings() }));
    let shown = |registry: &FakeRegistry| {
        let requests = registry.requests();
        requests.iter().filter_map(|request| request.header("authorization").map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(shown(&scene.mirrors[0]), Vec::<String>::new());
    assert_eq!(shown(&scene.mirrors[1]), vec!["Basic b3RoZXI6cGFzc3dvcmQ="; 3]);
    assert_eq!(counts(&scene)[2], 0);
}

#[test]
fn a_wrong_manifest_of_a_mirror_is_not_taken() {
    let scene = Scene::new(5000);
    scene.fill(&scene.mirrors[0], "team/model");
    scene.mirrors[0].fail("GET", "/manifests/", Fault::WrongBytes);
    scene.pull(&scene.repository(settings()));
    assert_eq!(counts(&scene), [2, 2, 2]);
}

#[test]
fn a_mirror_resolves_tags() {
    let scene = Scene::new(5000);
    let older = scene.mirrors[0].add_manifest("team/model", "v1", MANIFEST, &manifest("older"));
    let repository = scene.repository(settings());
    assert_eq!(repository.resolve("v1").unwrap().digest, digest(&older));
    // A caller that is about to change the registry asks the registry itself.
    assert_ne!(repository.resolve_at_registry("v1").unwrap().digest, digest(&older));
}

#[test]
fn a_broken_mirror_is_continued_at_the_next_place() {
    for pieces_from_bytes in [0, u64::MAX] {
        let scene = Scene::new(900_000);
        scene.fill(&scene.mirrors[0], "team/model");
        scene.fill(&scene.mirrors[1], "team/model");
        let size = if pieces_from_bytes == 0 { 10_000 } else { 300_000 };
        scene.mirrors[0].fail_later("GET", "/blobs/", 0, 1, Fault::DropAnswerAfter(size));
        scene.mirrors[0].fail_later("GET", "/blobs/", 1, usize::MAX, Fault::DropInsteadOfAnswer);
        let settings = Settings { pieces_from_bytes, piece_bytes: 100_000, concurrency: 1, ..settings() };
        let repository = scene.repository(settings);
        assert!(read(&repository, &descriptor(&scene.blob), 0).unwrap() == scene.blob);
        let next = &scene.mirrors[1].requests()[0];
        let start = next.header("range").unwrap().strip_prefix("bytes=").unwrap().split('-').next().unwrap();
        assert_eq!(start.parse(), Ok(size), "it continues at the byte that was reached");
        assert_eq!(counts(&scene)[2], 0);
    }
}

#[test]
fn a_range_is_completed_by_the_next_place() {
    let scene = Scene::new(900_000);
    scene.mirrors.iter().for_each(|mirror| scene.fill(mirror, "team/model"));
    scene.mirrors[0].fail_later("GET", "/blobs/", 0, 1, Fault::DropAnswerAfter(300_000));
    scene.mirrors[0].fail_later("GET", "/blobs/", 1, usize::MAX, Fault::DropInsteadOfAnswer);
    let (repository, mut range) = (scene.repository(settings()), Vec::new());
    let blob = repository.blob(&descriptor(&scene.blob));
    blob.open_range(1000, 700_000).unwrap().read_to_end(&mut range).unwrap();
    assert!(range == scene.blob[1000..701_000]);
    assert_eq!(scene.mirrors[1].requests()[0].header("range"), Some("bytes=301000-700999"));
}

#[test]
fn a_silent_mirror_is_left_in_the_middle_of_a_blob() {
    let scene = Scene::new(900_000);
    scene.fill(&scene.mirrors[0], "team/model");
    scene.mirrors[0].fail_later("GET", "/blobs/", 0, 1, Fault::StallAnswerAfter(200_000));
    scene.mirrors[0].fail_later("GET", "/blobs/", 1, usize::MAX, Fault::NoAnswer);
    let mut settings = impatient();
    settings.retry.give_up_after = settings.timeouts.silence;
    let repository = scene.repository(settings);
    assert!(read(&repository, &descriptor(&scene.blob), 0).unwrap() == scene.blob);
    assert_eq!(scene.registry.requests()[0].header("range"), Some("bytes=200000-899999"));
}

/// The store of `kit` detects wrong bytes, reports them, and reads the blob again.
#[test]
fn wrong_bytes_of_a_mirror_are_read_again_from_the_next_place() {
    let scene = Scene::new(5000);
    scene.mirrors.iter().for_each(|mirror| {
        scene.fill(mirror, "team/model");
        mirror.fail_later("GET", "/blobs/", 0, usize::MAX, Fault::WrongBytes);
    });
    let folder = tempfile::tempdir().unwrap();
    let store = kit_core::store::Store::open(folder.path()).unwrap();
    let (repository, blob) = (scene.repository(settings()), descriptor(&scene.blob));
    put(&store, &blob, &repository).unwrap();
    assert_eq!(counts(&scene), [1, 1, 1]);
    // Bytes that are wrong on the registry too are an error.
    let other = Scene::new(4000);
    other.registry.fail_later("GET", "/blobs/", 0, usize::MAX, Fault::WrongBytes);
    let blob = descriptor(&other.blob);
    let error = put(&store, &blob, &other.repository(settings())).unwrap_err();
    assert!(matches!(error, ContentError::Mismatch(_)), "{error}");
    assert_eq!(counts(&other), [1, 1, 1]);
}

fn put(store: &kit_core::store::Store, blob: &Descriptor, source: &Repository) -> Result<(), ContentError> {
    store.writer(kit_core::store::Names::Tags).unwrap().put(blob, &*source.blob(blob))
}

#[test]
fn bytes_refused_as_wrong_are_sent_again_from_another_source() {
    let (scene, target) = (Scene::new(5000), FakeRegistry::start());
    scene.fill(&scene.mirrors[0], "team/model");
    scene.mirrors[0].fail("GET", "/blobs/", Fault::WrongBytes);
    let (repository, blob) = (scene.repository(settings()), descriptor(&scene.blob));
    repository_with(&target, settings()).put(&blob, &*repository.blob(&blob)).unwrap();
    assert!(target.blob(&blob.digest.to_string()).unwrap() == scene.blob);
    assert_eq!(counts(&scene), [1, 1, 1]);
}

#[test]
fn nothing_is_sent_to_a_mirror() {
    let scene = Scene::new(5000);
    let (repository, content) = (scene.repository(settings()), bytes(300));
    let blob = descriptor(&content);
    assert!(!repository.contains(&blob).unwrap());
    repository.put(&blob, &&content[..]).unwrap();
    let manifest = manifest("b");
    repository.publish(&descriptor(&manifest), &manifest, Some("v2")).unwrap();
    repository.delete("v2").unwrap();
    assert_eq!(counts(&scene)[..2], [0, 0]);
}

#[test]
fn a_prefix_precedes_the_name() {
    let scene = Scene::new(5000);
    scene.fill(&scene.mirrors[0], "hub/proxy/team/model");
    let mirror = format!("http://{}/hub/proxy", scene.mirrors[0].host()).parse().unwrap();
    let own = HostSettings { mirrors: vec![mirror], ..HostSettings::default() };
    let hosts = [(scene.registry.host().to_owned(), own)].into();
    scene.pull(&repository_with(&scene.registry, Settings { hosts, ..settings() }));
    assert_eq!(counts(&scene), [3, 0, 0]);
}
