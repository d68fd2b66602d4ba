//! Security holes of other clients, which `kit` does not have. The lists in `main.rs` names the tests for the others.

use kit_core::oci::{MediaType, Source, Target};
use kit_core::ops::{self, CopyOptions, Origins};
use kit_core::progress::{Phase, Silent};
use kit_core::registry::Error;
use kit_core::store::{Names, Store};

use crate::support::{chain, client, descriptor, read, reference, repository, repository_with, settings, settings_for};
use kit_testkit::registry::{Access, Bearer, FakeRegistry, Fault};

/// A registry that requires a password.
fn guarded() -> FakeRegistry {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.access = Access::Basic { username: "me", password: "secret" });
    registry
}

/// Servers that ask for credentials: directly, and by a token server at another path of theirs.
fn curious() -> [FakeRegistry; 2] {
    let ask = |is_bearer: bool| {
        let place = FakeRegistry::start();
        let realm = format!("Bearer realm=\"http://{}/token\",service=\"mine\"", place.host());
        let challenge = if is_bearer { realm } else { "Basic realm=\"mine\"".to_owned() };
        for method in ["GET", "PUT", "PATCH"] {
            let headers = vec![("www-authenticate", challenge.clone())];
            place.fail_later(method, "/", 0, 100, Fault::Status(401, headers));
        }
        place
    };
    [ask(false), ask(true)]
}

/// Only the registry itself may ask for credentials (CVE-2020-15157, where containerd sent them to any server).
#[test]
fn a_redirect_target_cannot_request_credentials() {
    for place in curious() {
        let registry = guarded();
        registry.add_blob(b"hello");
        registry.configure(|options| options.redirect_blobs_to = Some(format!("http://{}", place.host())));
        let repository = repository_with(&registry, settings_for("me", "secret"));
        read(&repository, &descriptor(b"hello"), 0).unwrap_err();
        assert_knows_nothing(&place);
    }
}

#[test]
fn an_upload_host_cannot_request_credentials() {
    for place in curious() {
        let registry = guarded();
        registry.configure(|options| options.upload_origin = Some(format!("http://{}", place.host())));
        let repository = repository_with(&registry, settings_for("me", "secret"));
        repository.put(&descriptor(b"hello"), &&b"hello"[..]).unwrap_err();
        assert_knows_nothing(&place);
    }
}

fn assert_knows_nothing(place: &FakeRegistry) {
    assert!(!place.requests().is_empty());
    assert!(place.requests().iter().all(|request| request.header("authorization").is_none()));
    assert!(place.requests_of("GET", "/token").is_empty() && place.requests_of("POST", "/token").is_empty());
}

/// Some clients use `Docker-Content-Digest` in a path.
#[test]
fn a_digest_that_is_a_path_is_invalid() {
    let registry = FakeRegistry::start();
    let manifest = crate::support::manifest("a");
    let name = registry.add_manifest("team/model", "v1", MediaType::IMAGE_MANIFEST.as_str(), &manifest);
    for lie in ["sha256:../../../../tmp/x", "../x", "sha256:", "SHA256:AB"] {
        registry.fail("HEAD", "/manifests/", Fault::Header("docker-content-digest", lie.to_owned()));
        assert_eq!(repository(&registry).resolve("v1").unwrap().digest.to_string(), name, "{lie}");
    }
}

#[test]
fn a_digest_in_a_manifest_that_is_a_path_becomes_none() {
    let (registry, folder) = (FakeRegistry::start(), tempfile::tempdir().unwrap());
    let store = Store::open(folder.path().join("store")).unwrap();
    let writer = store.writer(Names::Of(reference(registry.host()))).unwrap();
    let good = registry.add_blob(b"{}");
    for digest in ["sha256:../../../../escaped", "sha256:/escaped", "../escaped", "md5:00"] {
        let blob = |kind: &str, digest: &str| {
            let media_type = format!("application/vnd.kitops.modelkit.{kind}");
            serde_json::json!({ "mediaType": media_type, "digest": digest, "size": 2 })
        };
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "config": blob("config.v1+json", &good),
            "layers": [blob("model.v1.tar", digest)],
        });
        registry.add_manifest("team/model", "v1", MediaType::IMAGE_MANIFEST.as_str(), manifest.to_string().as_bytes());
        registry.forget_requests();
        let options = CopyOptions { jobs: 1, origins: Origins::default(), phase: Phase::Copying };
        let target = (&writer as &dyn Target, Some("v1"));
        ops::copy((&repository(&registry), "v1"), target, &options, &Silent).unwrap_err();
        assert!(registry.requests_of("GET", "/blobs/").is_empty(), "{digest}");
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1, "{digest}");
        assert_eq!(fs_err::read_dir(folder.path().join("store/blobs/sha256")).unwrap().count(), 0, "{digest}");
    }
}

#[test]
fn no_answer_fills_the_memory() {
    const LARGE: usize = 8 * 1024 * 1024;
    let registry = FakeRegistry::start();
    registry.configure(|options| options.access = Access::Bearer(Bearer::default()));
    registry.fail("GET", "/token", Fault::LongAnswer(200, LARGE));
    let error = client(settings()).ping(registry.host(), None).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 1_048_576, .. }), "{}", chain(&error));

    let registry = FakeRegistry::start();
    registry.fail("GET", "/tags/", Fault::LongAnswer(200, LARGE));
    let error = repository(&registry).tags().unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 4_194_304, .. }), "{}", chain(&error));

    // The message of a refusal is only an explanation, and is left out.
    registry.fail("GET", "/tags/", Fault::LongAnswer(400, LARGE));
    let error = repository(&registry).tags().unwrap_err();
    assert!(chain(&error).ends_with("answered 400"), "{}", chain(&error).len());
}
