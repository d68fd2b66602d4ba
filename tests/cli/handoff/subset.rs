//! `kit subset`: the parts that are published, the proof that they belong to the original, and the cost.

use expect_test::expect;
use regex::Regex;
use serde_json::{Value, json};

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const SUBSET: &str = "application/vnd.kit.subset.v1+json";

/// A registry in which every repository has only its own blobs, with `team/sample:v1`.
struct Scene {
    sandbox: Sandbox,
    registry: FakeRegistry,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { sandbox: Sandbox::new(), registry: FakeRegistry::start() };
        scene.registry.configure(|options| options.own_blobs = true);
        scene.sandbox.project();
        scene.sandbox.write("project/weights/model.bin", vec![7; 2_000_000]);
        scene.sandbox.kit(&["pack", "project", "--push", &scene.name("team/sample:v1"), PLAIN]).ok();
        scene.registry.forget_requests();
        scene
    }

    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.host())
    }

    fn subset(&self, args: &[&str]) -> Run {
        self.sandbox
            .kit(&[&["subset", &self.name("team/sample:v1"), "-t", &self.name("app/sample:v1"), PLAIN], args].concat())
    }

    fn manifest(&self, repository: &str) -> Value {
        serde_json::from_slice(&self.registry.manifest(repository, "v1").unwrap().1).unwrap()
    }

    fn lineage(&self, name: &str) -> Run {
        self.sandbox.kit(&["lineage", "--remote", name, PLAIN])
    }
}

fn redacted(text: &str) -> String {
    let text = Regex::new("[0-9a-f]{12}").unwrap().replace_all(text, "[12 digits]").into_owned();
    Regex::new(r"127\.0\.0\.1:\d+").unwrap().replace_all(&text, "[REGISTRY]").into_owned()
}

#[test]
fn a_subset_has_the_selected_layers_and_a_kitfile_without_the_others() {
    let scene = Scene::new();
    let digest = scene.subset(&["--filter", "model,docs"]).ok().digest();
    let (original, subset) = (scene.manifest("team/sample"), scene.manifest("app/sample"));
    let layers = original["layers"].as_array().unwrap();
    let is_kept = |layer: &&Value| {
        [".model.v1", ".modelpart.v1", ".docs.v1"]
            .iter()
            .any(|kind| layer["mediaType"].as_str().unwrap().contains(kind))
    };
    assert_eq!(subset["layers"], layers.iter().filter(is_kept).cloned().collect::<Value>());
    let config = scene.registry.blob(subset["config"]["digest"].as_str().unwrap()).unwrap();
    let mut config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(config["model"]["digest"], layers[0]["digest"]);
    for pointer in ["/model", "/model/parts/0", "/docs/0"] {
        let entry = config.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        assert!(entry.remove("digest").is_some() && entry.remove("diffId").is_some(), "{pointer}");
    }
    let parts = json!([{ "name": "tokenizer", "path": "weights/tokenizer.json" }]);
    let expected = json!({
        "manifestVersion": "1.0.0",
        "package": { "name": "sample", "version": "0.1.0", "authors": ["Ada"] },
        "model": { "name": "net", "path": "weights/model.bin", "parameters": { "epochs": 10 }, "parts": parts },
        "docs": [{ "path": "README.md" }],
    });
    assert_eq!(config, expected);
    let again =
        scene.sandbox.kit(&["subset", &scene.name("team/sample:v1"), "-f", "model,docs", "-t", "mine:v1", PLAIN]);
    assert_eq!(again.ok().digest(), digest, "equal parts have the same digest everywhere");
    scene.sandbox.kit(&["unpack", "mine:v1", "-d", "out"]).ok();
    assert_eq!(scene.sandbox.names("out"), ["Kitfile", "README.md", "weights/model.bin", "weights/tokenizer.json"]);
}

#[test]
fn within_one_registry_the_layers_are_mounted() {
    let scene = Scene::new();
    scene.subset(&["--filter", "model"]).ok();
    let digest = scene.manifest("app/sample")["layers"][0]["digest"].as_str().unwrap().replace(':', "%3A");
    let mounts = scene.registry.requests_of("POST", "mount=");
    assert!(mounts.iter().any(|request| request.target.contains(&digest) || request.target.contains("team%2Fsample")));
    let sent: u64 = scene.registry.requests().iter().map(|request| request.body_bytes).sum();
    assert!(sent < 20_000, "{sent} bytes were sent");
}

#[test]
fn the_attestation_lists_the_layers_and_lineage_and_verify_follow_it() {
    let scene = Scene::new();
    scene.subset(&["--filter", "model,docs"]).ok();
    let name = scene.name("app/sample:v1");
    expect![[r#"
        [REGISTRY]/app/sample:v1  sha256:[12 digits]
        └── subset of [REGISTRY]/team/sample:v1  sha256:[12 digits]  verified by digest
            └── dataset training  sha256:[12 digits]  verified by digest
    "#]]
    .assert_eq(&redacted(&scene.lineage(&name).ok().stdout));
    scene.sandbox.kit(&["unpack", &name, "-d", "out", PLAIN]).ok();
    let run = scene.sandbox.kit(&["verify", "out", &name, "--remote", PLAIN]).ok();
    run.says(&format!("{name} has 3 of the 5 layers of {} (sha256:", scene.name("team/sample:v1")));
    let listed = scene.sandbox.kit(&["inspect", "--remote", &name, PLAIN]).ok().json();
    let subset = scene.manifest("app/sample");
    assert_eq!(listed["digest"].as_str().map(str::len), Some(71));
    let statement = statement(&scene);
    let digest = |layer: &Value| layer["digest"].as_str().unwrap()["sha256:".len()..].to_owned();
    let layers = subset["layers"].as_array().unwrap().iter().map(digest);
    let layers: Vec<_> = layers.map(|digest| json!({ "digest": { "sha256": digest } })).collect();
    assert_eq!(statement["predicate"]["layers"], json!(layers));
    assert_eq!(statement["predicate"]["filters"], json!(["model,docs"]));
    assert_eq!(statement["predicate"]["original"]["name"], scene.name("team/sample:v1"));
}

/// The statement that is attached to `app/sample:v1`.
fn statement(scene: &Scene) -> Value {
    let requests = scene.registry.requests_of("PUT", "/v2/app/sample/manifests/sha256:");
    let manifests = requests.iter().filter_map(|request| {
        let digest = request.target.rsplit('/').next().unwrap();
        let manifest: Value = serde_json::from_slice(&scene.registry.manifest("app/sample", digest)?.1).unwrap();
        (manifest["artifactType"] == SUBSET).then_some(manifest)
    });
    let manifest = manifests.last().unwrap();
    let blob = scene.registry.blob(manifest["layers"][0]["digest"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&blob).unwrap()
}

#[test]
fn a_subset_with_another_layer_is_refused() {
    let scene = Scene::new();
    scene.subset(&["--filter", "docs"]).ok();
    // The forged manifest keeps the annotation, but its layer is that of another ModelKit.
    scene.sandbox.write("other/Kitfile", "manifestVersion: 1.0.0\ndocs: [{path: README.md}]\n");
    scene.sandbox.write("other/README.md", "# Forged\n");
    scene.sandbox.kit(&["pack", "other", "--push", &scene.name("app/forged:v1"), PLAIN]).ok();
    let mut forged = scene.manifest("app/forged");
    let (key, subset) = ("ml.kitops.modelkit.subset-of", scene.manifest("app/sample"));
    forged["annotations"][key] = subset["annotations"][key].clone();
    scene.registry.configure(|options| options.own_blobs = false);
    scene.registry.add_manifest("team/sample", "forged", MANIFEST, forged.to_string().as_bytes());
    let name = scene.name("team/sample:forged");
    scene.sandbox.kit(&["verify", "other", &name, PLAIN]).exits(3).says("does not have all of its layers");
}

#[test]
fn an_original_that_cannot_be_read_is_declared_only() {
    let scene = Scene::new();
    scene.subset(&["--filter", "docs"]).ok();
    let original = kit_testkit::registry::sha256(&scene.registry.manifest("team/sample", "v1").unwrap().1);
    scene.registry.remove_manifest("team/sample", &original);
    let name = scene.name("app/sample:v1");
    scene.lineage(&name).ok().prints("subset of").prints("declared");
    scene.sandbox.kit(&["unpack", &name, "-d", "out", PLAIN]).ok();
    let run = scene.sandbox.kit(&["verify", "out", &name, "--remote", PLAIN]).ok();
    run.says("warning: cannot compare").says("with its original");
}

#[test]
fn a_filter_that_selects_nothing_is_refused() {
    let scene = Scene::new();
    scene.subset(&["--filter", "prompts"]).exits(4);
    scene.subset(&["--filter", "docs:absent"]).exits(4);
    scene.subset(&["--filter", "kitfile"]).exits(4).says("no part of");
    scene.subset(&[]).exits(2);
    scene.lineage(&scene.name("app/sample:v1")).exits(4);
}
