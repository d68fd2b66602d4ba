//! `kit impact`: the versions that hold a content, those that cannot be known, and the cost of the search.

use std::io::Write as _;

use expect_test::{Expect, expect};
use kit_core::compression::Compression;
use regex::Regex;
use serde_json::{Value, json};

use kit_testkit::registry::{FakeRegistry, sha256};
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A registry with three versions of `team/sample`, of which the first two have the same data, and `team/other` without
/// it.
struct Scene {
    sandbox: Sandbox,
    registry: FakeRegistry,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { sandbox: Sandbox::new(), registry: FakeRegistry::start() };
        scene.sandbox.project();
        scene.pack("team/sample:v1");
        scene.sandbox.write("project/src/train.py", "print('more')\n");
        scene.pack("team/sample:v2");
        scene.sandbox.write("train.csv", scene.sandbox.read("project/data/train.csv"));
        scene.sandbox.write("project/data/train.csv", "a,b\n7,8\n");
        scene.pack("team/sample:v3");
        scene.sandbox.write("project/weights/model.bin", "other weights\n");
        scene.pack("team/other:v1");
        scene.registry.forget_requests();
        scene
    }

    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.host())
    }

    fn pack(&self, name: &str) -> String {
        self.sandbox.kit(&["pack", "project", "--push", &self.name(name), PLAIN]).ok().digest()
    }

    /// Searches both repositories.
    fn impact(&self, args: &[&str]) -> Run {
        let (sample, other) = (self.name("team/sample"), self.name("team/other"));
        self.sandbox.kit(&[&["impact"], args, &[&sample, &other, PLAIN]].concat())
    }
}

/// Standard output and standard error without what differs from run to run.
fn check(run: &Run, expected: &Expect) {
    let text = format!("{}{}", run.redacted_stdout(), run.redacted_stderr());
    let text = Regex::new("[0-9a-f]{12}").unwrap().replace_all(&text, "[12 digits]").into_owned();
    // The widths of columns depend on the length of the path of the sandbox.
    let text = Regex::new(" {3,}").unwrap().replace_all(&text, "   ").into_owned();
    expected.assert_eq(&Regex::new("[0-9.]+ KiB").unwrap().replace_all(&text, "[SIZE]"));
}

/// The names of the affected versions with the first reason.
fn affected(run: &Run) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = run.json()["affected"].as_array().unwrap().clone();
    found.iter().map(|it| (text(&it["tags"][0]), text(&it["reasons"][0]["kind"]))).collect()
}

#[test]
fn versions_that_hold_a_file_are_listed_with_its_path() {
    let scene = Scene::new();
    check(
        &scene.impact(&["train.csv"]).ok(),
        &expect![[r#"
        VERSION   DIGEST   HOLDS
        [REGISTRY]/team/sample:v1   [12 digits]   data/train.csv
        [REGISTRY]/team/sample:v2   [12 digits]   data/train.csv
        2 of 4 versions are affected · 22 requests, [SIZE] of documents
    "#]],
    );
    check(
        &scene.impact(&["train.csv", "--exit-code"]).exits(1),
        &expect![[r#"
        VERSION   DIGEST   HOLDS
        [REGISTRY]/team/sample:v1   [12 digits]   data/train.csv
        [REGISTRY]/team/sample:v2   [12 digits]   data/train.csv
        2 of 4 versions are affected · 22 requests, [SIZE] of documents
    "#]],
    );
}

#[test]
fn a_digest_is_that_of_a_file_a_layer_or_a_modelkit() {
    let scene = Scene::new();
    let find = |digest: &str| affected(&scene.impact(&[digest, "--format", "json"]).ok());
    let file = sha256(b"weights\n");
    let version = |tag: &str, kind: &str| (tag.to_owned(), kind.to_owned());
    assert_eq!(find(&file), [version("v1", "file"), version("v2", "file"), version("v3", "file")]);
    let (_, manifest) = scene.registry.manifest("team/sample", "v1").unwrap();
    assert_eq!(find(&sha256(&manifest)), [version("v1", "same")]);
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let layers = manifest["layers"].as_array().unwrap();
    let data = layers.iter().find(|layer| layer["mediaType"].as_str().unwrap().contains("dataset")).unwrap();
    assert_eq!(find(data["digest"].as_str().unwrap()), [version("v1", "layer"), version("v2", "layer")]);
    let nowhere = format!("sha256:{}", "0".repeat(64));
    scene.impact(&[&nowhere, "--exit-code"]).ok().says("0 of 4 versions are affected");
    scene.impact(&[&nowhere, "--tensor", "w"]).exits(2).says("a digest has no parts");
}

#[test]
fn versions_that_are_built_from_an_affected_one_are_affected() {
    let scene = Scene::new();
    let base = scene.name("team/sample:v1");
    let pack = |name: &str, kitfile: &str| {
        scene.sandbox.write("app/Kitfile", kitfile);
        scene.sandbox.kit(&["pack", "app", "--push", &scene.name(name), PLAIN]).ok();
    };
    scene.sandbox.write("app/app.py", "1\n");
    let kitfile =
        |model: &str| format!("manifestVersion: 1.0.0\nmodel: {{path: \"{model}\"}}\ncode: [{{path: app.py}}]\n");
    pack("team/app:v1", &kitfile(&base));
    pack("team/chat:v1", &kitfile(&scene.name("team/app:v1")));
    pack("team/free:v1", &kitfile(&scene.name("team/sample:v3")));
    let names = ["team/chat", "team/free", "team/app"].map(|name| scene.name(name));
    let run =
        |args: &[&str]| scene.sandbox.kit(&[&["impact"], args, &[&names[0], &names[1], &names[2], PLAIN]].concat());
    // The base model is not among the versions that are searched, the second one is built from the first.
    check(
        &run(&[&base]).ok(),
        &expect![[r#"
        VERSION   DIGEST   HOLDS
        [REGISTRY]/team/chat:v1   [12 digits]   base model [REGISTRY]/team/sample:v1
        [REGISTRY]/team/app:v1   [12 digits]   base model [REGISTRY]/team/sample:v1
        2 of 3 versions are affected · 18 requests, [SIZE] of documents
    "#]],
    );
    // Without the version that holds the data, the documents of the others do not show where it went.
    run(&["train.csv"]).ok().says("0 of 3 versions are affected");
    check(
        &scene.sandbox.kit(&["impact", "train.csv", &base, &names[0], &names[2], PLAIN]).ok(),
        &expect![[r#"
        VERSION   DIGEST   HOLDS
        [REGISTRY]/team/sample:v1   [12 digits]   data/train.csv
        [REGISTRY]/team/chat:v1   [12 digits]   is built from [REGISTRY]/team/sample:v1, which is affected
        [REGISTRY]/team/app:v1   [12 digits]   is built from [REGISTRY]/team/sample:v1, which is affected
        3 of 3 versions are affected · 17 requests, [SIZE] of documents
    "#]],
    );
}

#[test]
fn a_tensor_and_a_part_of_a_file_are_found() {
    let scene = Scene::new();
    let tensor = |start: u32, end: u32| json!({ "dtype": "F32", "shape": [200_000], "data_offsets": [start, end] });
    let header = &json!({ "w": tensor(0, 800_000), "b": tensor(800_000, 1_600_000) }).to_string();
    let weights = |seed: u32| {
        let numbers = |seed: u32| (0..200_000_u32).flat_map(move |number| number.wrapping_mul(seed).to_le_bytes());
        let mut bytes = kit_testkit::samples::safetensors(header, 0);
        bytes.extend(numbers(2_654_435_761));
        bytes.extend(numbers(seed));
        bytes
    };
    scene.sandbox.write("net/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: net.safetensors}\n");
    for (tag, seed) in [("v1", 40_503), ("v2", 2_246_822_519)] {
        scene.sandbox.write("net/net.safetensors", weights(seed));
        scene.sandbox.kit(&["pack", "net", "--push", &scene.name(&format!("team/net:{tag}")), PLAIN]).ok();
    }
    scene.sandbox.write("mine.safetensors", weights(40_503));
    let run = |what: &str, args: &[&str]| {
        scene.sandbox.kit(&[&["impact", what, &scene.name("team/net"), PLAIN], args].concat())
    };
    check(
        &run("./mine.safetensors", &[]).ok(),
        &expect![[r#"
        VERSION   DIGEST   HOLDS
        [REGISTRY]/team/net:v1   [12 digits]   net.safetensors
        [REGISTRY]/team/net:v2   [12 digits]   net.safetensors, [SIZE] of it
        2 of 2 versions are affected · 11 requests, [SIZE] of documents
    "#]],
    );
    check(
        &run("./mine.safetensors", &["--tensor", "b"]).ok(),
        &expect![[r#"
        VERSION   DIGEST   HOLDS
        [REGISTRY]/team/net:v1   [12 digits]   net.safetensors (b), the tensor
        1 of 2 versions is affected · 11 requests, [SIZE] of documents
    "#]],
    );
    check(
        &run(&scene.name("team/net:v1//net.safetensors"), &["--tensor", "w"]).ok(),
        &expect![[r#"
        VERSION   DIGEST   HOLDS
        [REGISTRY]/team/net:v1   [12 digits]   net.safetensors (w), the tensor
        [REGISTRY]/team/net:v2   [12 digits]   net.safetensors (w), the tensor
        2 of 2 versions are affected · 11 requests, [SIZE] of documents
    "#]],
    );
    run("./mine.safetensors", &["--tensor", "x"]).exits(4).says("has a tensor `x`");
}

#[test]
fn versions_without_tables_of_contents_are_named() {
    let scene = Scene::new();
    let (_, manifest) = scene.registry.manifest("team/sample", "v3").unwrap();
    let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
    for layer in manifest["layers"].as_array_mut().unwrap() {
        layer["annotations"].as_object_mut().unwrap().retain(|key, _| !key.contains(".contents"));
    }
    scene.registry.add_manifest("team/plain", "v1", MANIFEST, manifest.to_string().as_bytes());
    let plain = scene.name("team/plain");
    let run = |args: &[&str]| scene.sandbox.kit(&[&["impact", "train.csv", &plain, PLAIN], args].concat());
    check(
        &run(&[]).ok(),
        &expect![[r#"
        warning: [REGISTRY]/team/plain:v1 may be affected: 5 of 5 layers have no table of contents
        0 of 1 version is affected · 4 requests, [SIZE] of documents
    "#]],
    );
    run(&["--exit-code"]).exits(2).says("cannot rule out that 1 version holds `train.csv`");
    let unknown = json!([{ "version": format!("{plain}:v1"), "reason": "noTable", "layers": 5, "of": 5 }]);
    assert_eq!(run(&["--format", "json"]).ok().json()["unknown"], unknown);
    // The table of the same layer in another version is as good.
    check(
        &scene.impact(&["train.csv", &plain]).ok(),
        &expect![[r#"
        VERSION   DIGEST   HOLDS
        [REGISTRY]/team/sample:v1   [12 digits]   data/train.csv
        [REGISTRY]/team/sample:v2   [12 digits]   data/train.csv
        2 of 5 versions are affected · 26 requests, [SIZE] of documents
    "#]],
    );
}

#[test]
fn the_local_store_and_image_layouts_are_searched() {
    let scene = Scene::new();
    scene.sandbox.kit(&["pack", "project", "-t", "mine:v1,latest"]).ok();
    scene.sandbox.kit(&["copy", &scene.name("team/sample:v2"), "oci:kits:v2", PLAIN]).ok();
    check(
        &scene.sandbox.kit(&["impact", "project/weights/model.bin"]).ok(),
        &expect![[r#"
        VERSION   DIGEST   HOLDS
        mine:latest,v1   [12 digits]   weights/model.bin
        1 of 1 version is affected · 0 requests, [SIZE] of documents
    "#]],
    );
    check(
        &scene.sandbox.kit(&["impact", "train.csv", "oci:kits", "mine"]).ok(),
        &expect![[r#"
        VERSION   DIGEST   HOLDS
        oci:[FOLDER]/kits:v2   [12 digits]   data/train.csv
        1 of 2 versions is affected · 0 requests, [SIZE] of documents
    "#]],
    );
    check(
        &scene.sandbox.kit(&["impact", "mine:v1", "--filter", "code", "mine:latest"]).ok(),
        &expect![[r#"
        VERSION   DIGEST   HOLDS
        mine:latest   [12 digits]   code src, the whole layer
        1 of 1 version is affected · 0 requests, [SIZE] of documents
    "#]],
    );
    scene.sandbox.kit(&["impact", "./nowhere"]).exits(4).says("`./nowhere`");
    scene.sandbox.kit(&["impact", "train.csv", "absent"]).exits(4);
    scene.sandbox.kit(&["impact", "train.csv", "--filter", "model"]).exits(2).says("not of a file");
}

#[test]
fn a_search_in_two_hundred_versions_makes_three_requests_for_each_and_reads_no_layer() {
    const VERSIONS: usize = 200;
    let scene = Scene::new();
    let large = fill(&scene, VERSIONS);
    scene.registry.forget_requests();
    let run = scene.sandbox.kit(&["impact", "train.csv", &scene.name("team/many"), "--format", "json", PLAIN]).ok();
    let requests = scene.registry.requests();
    let report = run.json();
    assert_eq!(report["versions"], VERSIONS);
    assert_eq!(report["affected"].as_array().unwrap().len(), VERSIONS / 2);
    assert_eq!(report["unknown"], json!([]));
    assert_eq!(report["requests"], requests.len());
    let lists = scene.registry.requests_of("GET", "/tags/list").len();
    assert!(requests.len() - lists <= 3 * VERSIONS, "{} requests", requests.len());
    for layer in large {
        assert_eq!(scene.registry.requests_of("GET", &layer).len(), 0, "no layer is read");
    }
    scene.registry.forget_requests();
    let full =
        scene.sandbox.kit(&["impact", "train.csv", &scene.name("team/many"), "--full", "--format", "json", PLAIN]).ok();
    assert_eq!(full.json()["unreadRecords"], 0);
    assert_eq!(full.json()["affected"], report["affected"]);
}

/// Adds versions whose configs and tables of contents are all different; half of them have the data. Returns the
/// digests of the layers.
fn fill(scene: &Scene, versions: usize) -> Vec<String> {
    let (_, template) = scene.registry.manifest("team/sample", "v1").unwrap();
    let template: Value = serde_json::from_slice(&template).unwrap();
    let config = scene.registry.blob(template["config"]["digest"].as_str().unwrap()).unwrap();
    let data = sha256(scene.sandbox.read("train.csv").as_bytes());
    let mut layers = Vec::new();
    for number in 0..versions {
        let mut manifest = template.clone();
        let other = sha256(&number.to_le_bytes());
        let file = if number % 2 == 0 { &data } else { &other };
        let line = json!({ "path": "data/train.csv", "mode": 420, "size": 8, "offset": 512, "digest": file });
        let mut table = Vec::new();
        let mut encoder = Compression::Zstd.encoder(&mut table, || ()).unwrap();
        writeln!(encoder, "{line}\n{}", json!({ "path": format!("data/{number}"), "mode": 493 })).unwrap();
        encoder.finish().unwrap();
        let list = manifest["layers"].as_array_mut().unwrap();
        let layer = list.iter_mut().find(|layer| layer["mediaType"].as_str().unwrap().contains("dataset")).unwrap();
        let digest = sha256(format!("layer {number}").as_bytes());
        let old = layer["digest"].as_str().unwrap().to_owned();
        layer["digest"] = json!(digest);
        layer["annotations"] = json!({
            "ml.kitops.modelkit.contents": scene.registry.add_blob(&table),
            "ml.kitops.modelkit.contents.size": table.len().to_string(),
        });
        let config = String::from_utf8(config.to_vec()).unwrap().replace(&old, &digest);
        manifest["config"]["digest"] = json!(scene.registry.add_blob(config.as_bytes()));
        let bytes = manifest.to_string();
        scene.registry.add_manifest("team/many", &format!("v{number}"), MANIFEST, bytes.as_bytes());
        layers.push(digest);
    }
    layers
}
