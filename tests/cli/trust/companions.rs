//! Companions of a ModelKit, the manifests under tags made from its digest: they are copied with it, and never listed.

use serde_json::{Value, json};

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::{Run, Sandbox};

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
        Self { sandbox, registry, digest }
    }

    fn name(&self) -> String {
        format!("{}/team/sample:v1", self.registry.host())
    }

    fn tag(&self, suffix: &str) -> String {
        format!("{}{suffix}", self.digest.replace(':', "-"))
    }

    /// Runs `kit` in another home.
    fn elsewhere(&self, args: &[&str]) -> Run {
        self.sandbox.run(self.sandbox.command(args).env("KIT_HOME", self.sandbox.path("elsewhere")))
    }

    /// Puts a companion with these signatures of one payload into a repository of `registry`.
    fn sign(&self, (registry, repository): (&FakeRegistry, &str), suffix: &str, signatures: &[&str]) -> Vec<u8> {
        let blob = |media_type: &str, bytes: &[u8]| {
            let digest = registry.add_blob_to(repository, bytes);
            json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
        };
        let layer = |signature: &&str| {
            let mut layer = blob("application/vnd.dev.cosign.simplesigning.v1+json", b"payload");
            layer["annotations"] = json!({ "dev.cosignproject.cosign/signature": signature });
            layer
        };
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": blob("application/vnd.oci.image.config.v1+json", br#"{"rootfs":{}}"#),
            "layers": signatures.iter().map(layer).collect::<Vec<_>>(),
        });
        let bytes = manifest.to_string().into_bytes();
        registry.add_manifest(repository, &self.tag(suffix), MANIFEST, &bytes);
        bytes
    }
}

fn signatures(registry: &FakeRegistry, repository: &str, tag: &str) -> Vec<String> {
    let Some((_, bytes)) = registry.manifest(repository, tag) else { return Vec::new() };
    let manifest: Value = serde_json::from_slice(&bytes).unwrap();
    for blob in manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]) {
        assert!(registry.blob(blob["digest"].as_str().unwrap()).is_some());
    }
    let signature =
        |layer: &Value| layer["annotations"]["dev.cosignproject.cosign/signature"].as_str().map(str::to_owned);
    manifest["layers"].as_array().unwrap().iter().filter_map(signature).collect()
}

#[test]
fn companions_follow_a_modelkit_everywhere_with_the_same_bytes() {
    let scene = Scene::new();
    let source = (&scene.registry, "team/sample");
    let suffixes = [".sig", ".att", ".sbom"];
    let all = suffixes.map(|suffix| scene.sign(source, suffix, &[suffix]));
    let (plain, last) = (DockerRegistry::start(), FakeRegistry::start());
    let first = format!("{}/a/b:v1", plain.host());
    let copied = scene.elsewhere(&["copy", &scene.name(), &first, PLAIN]).ok();
    copied.says("application/vnd.dev.cosign.simplesigning.v1+json: copied");
    scene.elsewhere(&["pull", &first, PLAIN]).ok();
    scene.elsewhere(&["tag", &first, "renamed:v1"]).ok();
    scene.elsewhere(&["save", "renamed:v1", "-o", "archive.tar"]).ok();
    scene.elsewhere(&["remove", "--all", "--force"]).ok();
    scene.elsewhere(&["load", "archive.tar"]).ok();
    scene.elsewhere(&["push", "renamed:v1", "oci:layout:v1"]).ok();
    scene.elsewhere(&["promote", "oci:layout:v1", &format!("{}/c:v1", last.host()), PLAIN]).ok();
    for (suffix, bytes) in suffixes.into_iter().zip(all) {
        assert_eq!(last.manifest("c", &scene.tag(suffix)).unwrap().1, bytes, "{suffix}");
        assert_eq!(signatures(&last, "c", &scene.tag(suffix)), [suffix]);
    }
    for args in [&["list", "--format", "json"][..], &["list", "oci:layout", "--format", "json"]] {
        assert_eq!(scene.elsewhere(args).ok().json().as_array().unwrap().len(), 1, "{args:?}");
    }
    let listed = scene.elsewhere(&["list", &format!("{}/c", last.host()), PLAIN, "--format", "json"]).ok().json();
    assert_eq!(listed[0]["tags"], json!(["v1"]), "{listed}");
    assert!(!scene.elsewhere(&["__complete", "--", "pull", "renamed:"]).ok().stdout.contains("sha256-"));
    scene.elsewhere(&["fsck"]).ok();
    scene.elsewhere(&["remove", "renamed:v1"]).ok();
    let index: Value = serde_json::from_str(&scene.sandbox.read("elsewhere/store/index.json")).unwrap();
    assert_eq!(index["manifests"], json!([]));
}

#[test]
fn no_signature_is_lost_by_a_copy() {
    let scene = Scene::new();
    scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
    let target = FakeRegistry::start();
    let there = format!("{}/x:v1", target.host());
    scene.elsewhere(&["push", &scene.name(), &there, PLAIN]).ok();
    scene.sign((&target, "x"), ".sig", &["one", "two"]);
    scene.sign((&scene.registry, "team/sample"), ".sig", &["three", "one"]);
    scene.elsewhere(&["copy", &scene.name(), &there, PLAIN]).ok();
    assert_eq!(signatures(&target, "x", &scene.tag(".sig")), ["one", "two", "three"]);
    target.forget_requests();
    scene.elsewhere(&["copy", &scene.name(), &there, PLAIN]).ok();
    assert_eq!(target.requests_of("PUT", ".sig").len(), 0, "everything is there");
    scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
    scene.elsewhere(&["pull", &there, "-t", &scene.name(), PLAIN]);
    scene.elsewhere(&["copy", &there, &scene.name(), PLAIN]).ok();
    assert_eq!(signatures(&scene.registry, "team/sample", &scene.tag(".sig")), ["one", "two", "three"]);
}

#[test]
fn a_companion_that_cannot_be_copied_is_a_warning() {
    let scene = Scene::new();
    scene.sign((&scene.registry, "team/sample"), ".sig", &["one"]);
    for fault in [Fault::Status(403, Vec::new()), Fault::Status(400, Vec::new())] {
        scene.registry.fail("GET", ".sig", fault);
        let pulled = scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
        pulled.says("warning: not all referrers of the ModelKit were copied (1 failed): cannot read `sha256-");
    }
    scene.registry.add_manifest("team/sample", &scene.tag(".att"), MANIFEST, b"[]");
    scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok().says("(1 failed): cannot read `sha256-");
    let blob = scene.registry.add_blob(b"payload");
    scene.registry.remove_manifest("team/sample", &scene.tag(".att"));
    scene.elsewhere(&["remove", &scene.name()]).ok();
    scene.registry.remove_blob(&blob);
    scene
        .elsewhere(&["pull", &scene.name(), PLAIN])
        .ok()
        .says("warning: not all referrers of the ModelKit were copied");
    scene.elsewhere(&["fsck"]).ok();
}

#[test]
fn names_for_companions_are_refused_and_a_conversion_mentions_signatures() {
    let scene = Scene::new();
    scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
    for suffix in ["", ".sig", ".att", ".sbom"] {
        let name = format!("sample:{}", scene.tag(suffix));
        scene.elsewhere(&["tag", &scene.name(), &name]).exits(2).says("is not a tag for a ModelKit");
        scene.sandbox.kit(&["pack", "project", "-t", &name]).exits(2).says("is not a tag for a ModelKit");
    }
    let convert = ["convert", &scene.name(), "--to", "modelpack"];
    assert!(!scene.elsewhere(&convert).ok().stderr.contains("do not apply"));
    scene.sign((&scene.registry, "team/sample"), ".sig", &["one"]);
    scene.elsewhere(&["pull", &scene.name(), PLAIN]).ok();
    scene.elsewhere(&convert).ok().says("The signatures of").says("do not apply");
}

#[test]
fn what_is_attached_is_removed_or_named() {
    for has_referrers_api in [true, false] {
        let scene = Scene::new();
        scene.registry.configure(|options| options.referrers = has_referrers_api);
        let name = scene.name();
        scene.sign((&scene.registry, "team/sample"), ".sig", &["one"]);
        scene.sandbox.write("note.txt", "a note\n");
        scene.sandbox.kit(&["attach", &name, "note.txt", "--type", "text/plain", "--remote", PLAIN]).ok();
        let (companion, list) = (scene.tag(".sig"), scene.tag(""));
        let is_there = |tag: &str| scene.registry.manifest("team/sample", tag).is_some();
        let remove = |flags: &[&str]| scene.sandbox.kit(&[&["remove", "--remote", &name, PLAIN], flags].concat());
        remove(&["--force", "--dry-run"]).ok().says(&format!("would stay: {companion}, "));
        let planned = remove(&["--force", "--attached", "--dry-run"]).ok();
        planned.prints(&format!("Would remove {}", name.replace("v1", &companion)));
        remove(&["--force"]).ok().says(&format!("stays: {companion}, ")).says("--attached removes it, too");
        assert!(is_there(&companion) && !is_there("v1"));
        assert_eq!(scene.sandbox.kit(&["pack", "project", "--push", &name, PLAIN]).ok().digest(), scene.digest);
        let json = remove(&["--force", "--attached", "--format", "json"]).ok().json();
        assert!(json["artifacts"].as_array().unwrap().len() >= 3, "{json}");
        assert!(!is_there(&companion) && !is_there(&list) && !is_there("v1"), "{:?}", scene.registry.log());
    }
}

#[test]
fn what_is_attached_stays_with_a_modelkit_that_stays() {
    let scene = Scene::new();
    let name = scene.name();
    scene.sign((&scene.registry, "team/sample"), ".sig", &["one"]);
    let other = name.replace("v1", "v2");
    scene.elsewhere(&["copy", &name, &other, PLAIN]).ok();
    scene.sandbox.kit(&["remove", "--remote", &name, PLAIN, "--attached"]).ok().says("add --force to remove them");
    assert!(scene.registry.manifest("team/sample", &scene.tag(".sig")).is_some());
    scene.sandbox.kit(&["remove", &name, "--attached"]).exits(2).says("--attached requires --remote");
}
