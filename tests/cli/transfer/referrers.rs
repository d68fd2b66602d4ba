//! Referrers of a ModelKit, such as signatures: they are copied with the ModelKit, and never make a copy fail.

use std::process::Command;

use kit_core::digest::Digest;
use serde_json::{Value, json};

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::Sandbox;

const PLAIN: &str = "--plain-http";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry with the project as `team/sample:v1`, and its digest.
struct Scene {
    sandbox: Sandbox,
    registry: FakeRegistry,
    digest: String,
}

impl Scene {
    fn new() -> Self {
        let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
        sandbox.project();
        let name = format!("{}/team/sample:v1", registry.host());
        let digest = sandbox.kit(&["pack", "project", "--push", &name, PLAIN]).ok().digest();
        registry.forget_requests();
        Self { sandbox, registry, digest }
    }

    fn name(&self) -> String {
        format!("{}/team/sample:v1", self.registry.host())
    }

    /// Runs `kit` in another home.
    fn elsewhere(&self, args: &[&str]) -> kit_testkit::sandbox::Run {
        self.sandbox.run(self.sandbox.command(args).env("KIT_HOME", self.sandbox.path("elsewhere")))
    }

    /// Puts a manifest about `subject` into the registry, and returns its digest.
    fn sign(&self, subject: &str, text: &str) -> String {
        let blob = |media_type: &str, bytes: &[u8]| {
            let digest = self.registry.add_blob(bytes);
            json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
        };
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/test.signature",
            "config": blob("application/vnd.oci.empty.v1+json", b"{}"),
            "layers": [blob("text/plain", text.as_bytes())],
            "subject": { "mediaType": MANIFEST, "digest": subject, "size": 3 },
        });
        self.registry.add_manifest(
            "team/sample",
            &format!("signature-{text}"),
            MANIFEST,
            manifest.to_string().as_bytes(),
        )
    }

    /// Lets the registry list this as what refers to anything.
    fn forge(&self, entries: &[Value]) {
        self.registry.configure(|options| options.forged_referrers = entries.to_vec());
    }
}

#[test]
fn signatures_follow_a_modelkit_through_registries_with_and_without_a_list() {
    let scene = Scene::new();
    let signature = scene.sign(&scene.digest, "signature");
    let countersignature = scene.sign(&signature, "countersignature");
    let (plain, listing) = (DockerRegistry::start(), FakeRegistry::start());
    let first = format!("{}/a/b:v1", plain.host());
    let last = format!("{}/c:v1", listing.host());
    scene.elsewhere(&["copy", &scene.name(), &first, PLAIN]).ok().says("application/test.signature: copied");
    scene.elsewhere(&["pull", &first, PLAIN]).ok();
    scene.elsewhere(&["tag", &first, "renamed:v1"]).ok();
    scene.elsewhere(&["push", "renamed:v1", "oci:layout:v1"]).ok();
    scene.elsewhere(&["promote", "oci:layout:v1", &last, PLAIN]).ok();
    for digest in [&signature, &countersignature] {
        assert_eq!(listing.manifest("c", digest), scene.registry.manifest("team/sample", digest));
    }
    listing.forget_requests();
    scene.elsewhere(&["push", "renamed:v1", &last, PLAIN]).ok().says("0 B sent");
    assert_eq!(listing.requests_of("PUT", "").len(), 1, "only the manifest that has the tag");
}

#[test]
#[cfg_attr(windows, ignore = "runs skopeo or umoci, which have no packages for Windows")]
fn other_tools_read_a_layout_with_signatures() {
    let scene = Scene::new();
    let signature = scene.sign(&scene.digest, "signature");
    scene.elsewhere(&["copy", &scene.name(), "oci:layout:v1", PLAIN]).ok();
    let index: Value = serde_json::from_str(&scene.sandbox.read("layout/index.json")).unwrap();
    let entry = index["manifests"].as_array().unwrap().iter().find(|entry| entry["digest"] == signature).unwrap();
    assert_eq!(entry["annotations"].get("org.opencontainers.image.ref.name"), None);
    let layout = format!("oci:{}:v1", scene.sandbox.path("layout").display());
    let skopeo = Command::new("skopeo").args(["inspect", "--raw", &layout]).output().unwrap();
    assert!(skopeo.status.success(), "{}", String::from_utf8_lossy(&skopeo.stderr));
}

#[test]
fn referrers_are_not_listed_and_are_removed_with_their_modelkit() {
    let scene = Scene::new();
    let signature = scene.sign(&scene.digest, "signature");
    scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
    assert_eq!(scene.elsewhere(&["list", "--format", "json"]).ok().json().as_array().unwrap().len(), 1);
    scene.elsewhere(&["fsck"]).ok();
    let blob = format!("elsewhere/store/blobs/sha256/{}", signature.trim_start_matches("sha256:"));
    scene.elsewhere(&["remove", "--all"]).ok();
    assert!(scene.sandbox.path(&blob).exists(), "only what has no name was removed");
    let removed = scene.elsewhere(&["remove", &scene.name()]).ok();
    assert!(!removed.stdout.contains(&signature), "{}", removed.stdout);
    assert!(!scene.sandbox.path(&blob).exists());
}

#[test]
fn a_pull_from_a_registry_without_signatures_costs_two_requests_and_then_one() {
    let scene = Scene::new();
    scene.registry.configure(|options| options.referrers = false);
    let extra = || {
        let requests = scene.registry.requests();
        scene.registry.forget_requests();
        let is_tag = |target: &str| target.contains("/manifests/sha256-") && !target.contains('.');
        requests.iter().filter(|r| r.target.contains("/referrers/") || is_tag(&r.target)).count()
    };
    scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
    assert_eq!(extra(), 2);
    scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
    assert_eq!(extra(), 1);
    scene.elsewhere(&["unpack", &scene.name(), "--remote", "-d", "out", PLAIN]).ok();
    assert_eq!(extra(), 1, "for recalls");
    scene.elsewhere(&["unpack", &scene.name(), "-d", "again", PLAIN]).ok();
    assert_eq!(extra(), 0, "the local store knows them");
}

#[test]
fn a_registry_that_takes_no_signatures_takes_the_modelkit_all_the_same() {
    let scene = Scene::new();
    let signature = scene.sign(&scene.digest, "signature");
    scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
    let target = FakeRegistry::start();
    for fault in [Fault::Status(400, Vec::new()), Fault::Status(403, Vec::new()), Fault::Status(422, Vec::new())] {
        target.fail("PUT", &format!("/manifests/{signature}"), fault);
        let pushed = scene.elsewhere(&["push", &scene.name(), &format!("{}/x:v1", target.host()), PLAIN]).ok();
        pushed.says("warning: not all referrers of the ModelKit were copied (1 failed): cannot write the referrer");
    }
    assert_eq!(target.manifest("x", &signature), None);
    scene.elsewhere(&["push", &scene.name(), &format!("{}/x:v1", target.host()), PLAIN]).ok();
    assert!(target.manifest("x", &signature).is_some());
}

#[test]
fn forged_lists_harm_nothing() {
    let scene = Scene::new();
    let other = scene.sign(&format!("sha256:{}", "a".repeat(64)), "other");
    let (_, bytes) = scene.registry.manifest("team/sample", &other).unwrap();
    let entry = |digest: &str, size: usize| json!({ "mediaType": MANIFEST, "digest": digest, "size": size });
    let index = json!({ "mediaType": "application/vnd.oci.image.index.v1+json", "digest": other, "size": bytes.len() });
    for (entries, words) in [
        (vec![entry(&other, bytes.len())], "it refers to another subject"),
        (vec![entry(&other, bytes.len() - 1)], "cannot read"),
        (vec![entry(&other, usize::MAX)], "is larger than"),
        (vec![entry(&format!("sha256:{}", "b".repeat(64)), 2)], "was not found"),
        (vec![index], "its media type is"),
        (vec![entry(&scene.digest, 5)], ""),
        (vec![json!({ "digest": "../../x" }), json!(7), json!({})], ""),
        (vec![entry(&other, bytes.len()); 5000], "(1 failed): "),
    ] {
        scene.forge(&entries);
        let pulled = scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
        assert_eq!(pulled.stdout, format!("Pulled {}\n", scene.digest));
        assert!(pulled.stderr.contains(words), "{words}: {}", pulled.stderr);
        assert_eq!(pulled.stderr.contains("warning:"), !words.is_empty(), "{}", pulled.stderr);
        scene.elsewhere(&["fsck"]).ok();
    }
    scene.forge(&[]);
    scene.registry.fail("GET", "/referrers/", Fault::LongAnswer(200, 5 * 1024 * 1024));
    scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok().says("warning: ");
}

#[test]
fn what_is_left_out_of_a_long_list_of_referrers_is_said() {
    let scene = Scene::new();
    for number in 0..998 {
        scene.sign(&scene.digest, &number.to_string());
    }
    let pulled = scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
    assert!(!pulled.stderr.contains("referrers; the others"), "{}", pulled.stderr);
    (998..1004).for_each(|number| drop(scene.sign(&scene.digest, &number.to_string())));
    let pulled = scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
    pulled.says(&format!("`{}` has more than 1000 referrers; the others are left out", scene.digest));
}

#[test]
fn no_list_is_asked_for_when_nothing_more_is_read() {
    let scene = Scene::new();
    let entry =
        |number: u32| json!({ "mediaType": MANIFEST, "digest": Digest::of(&number.to_be_bytes()), "size": 500 });
    scene.forge(&(0..1100).map(entry).collect::<Vec<_>>());
    scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok().says("has more than 1000 referrers");
    let lists = scene.registry.requests_of("GET", "/referrers/");
    assert!(lists.iter().all(|request| request.target.contains(&scene.digest)), "{} requests", lists.len());
}

#[test]
fn a_signature_that_is_too_large_to_be_one_stays_behind() {
    let scene = Scene::new();
    let signature = scene.sign(&scene.digest, "signature");
    let (_, bytes) = scene.registry.manifest("team/sample", &signature).unwrap();
    let large = String::from_utf8(bytes.to_vec()).unwrap().replace("\"size\":9", "\"size\":900000000");
    scene.registry.add_manifest("team/sample", "large", MANIFEST, large.as_bytes());
    let pulled = scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
    pulled
        .says("its size is 858.3 MiB, the limit for referrers is 256.0 MiB")
        .says("application/test.signature: copied");
}

/// The digests in the index under the tag that lists the referrers of `subject`.
fn tagged_referrers(registry: &FakeRegistry, subject: &str) -> Vec<String> {
    let (_, bytes) = registry.manifest("team/sample", &subject.replace(':', "-")).unwrap();
    let index: Value = serde_json::from_slice(&bytes).unwrap();
    let digest = |entry: &Value| entry["digest"].as_str().unwrap().to_owned();
    index["manifests"].as_array().unwrap().iter().map(digest).collect()
}

#[test]
fn a_record_that_vanished_from_the_registry_is_attached_again() {
    for has_referrers_api in [true, false] {
        let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
        registry.configure(|options| options.referrers = has_referrers_api);
        sandbox.project();
        let name = format!("{}/team/sample:v1", registry.host());
        let digest = sandbox.kit(&["pack", "project", "-t", &name]).ok().digest();
        sandbox.kit(&["push", &name, PLAIN]).ok();
        let put = |part: &str| registry.requests_of("PUT", part).iter().map(|put| put.target.clone()).next_back();
        let record = put("/manifests/sha256:").unwrap().rsplit('/').next().unwrap().to_owned();
        assert!(registry.manifest("team/sample", &record).is_some());
        registry.remove_manifest("team/sample", &record);
        sandbox.kit(&["push", &name, PLAIN]).ok();
        assert!(registry.manifest("team/sample", &record).is_some(), "with the API: {has_referrers_api}");
        if !has_referrers_api {
            assert_eq!(tagged_referrers(&registry, &digest), [record]);
        }
    }
}

#[test]
fn a_removed_referrer_is_no_longer_listed() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    registry.configure(|options| options.referrers = false);
    sandbox.project();
    let repository = format!("{}/team/sample", registry.host());
    let digest = sandbox.kit(&["pack", "project", "--push", &format!("{repository}:v1"), PLAIN]).ok().digest();
    let listed = tagged_referrers(&registry, &digest);
    assert_eq!(listed.len(), 1);
    sandbox.kit(&["remove", "--remote", &format!("{repository}@{}", listed[0]), PLAIN]).ok();
    assert_eq!(tagged_referrers(&registry, &digest), [""; 0]);
}
