//! Indexes of ModelKits: variants of a model under one name. Creating them, transferring them as a whole, and selecting
//! a variant by its labels.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::{FakeRegistry, sha256};
use kit_testkit::samples::{self, Gguf};
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A sandbox with the same model in two quantizations, `sample:q4` and `sample:q8`, which share a layer of docs.
struct Scene {
    sandbox: Sandbox,
    q4: String,
    q8: String,
}

/// Returns a model with one tensor. Both the type of the tensor and the file type are given as numbers.
fn model(file_type: u32, tensor_type: u32) -> Gguf {
    let gguf = Gguf::new(3, false).text_entry("general.architecture", "llama");
    gguf.number_entry("general.file_type", file_type).tensor("blk.0.w", &[256, 8], tensor_type, 0).data(4096)
}

impl Scene {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let pack = |name: &str, weights: Vec<u8>| {
            let kitfile = "manifestVersion: 1.0.0\npackage:\n  name: sample\nmodel:\n  path: model.gguf\n\
                           docs:\n  - path: README.md\n";
            sandbox.write(&format!("{name}/Kitfile"), kitfile);
            sandbox.write(&format!("{name}/README.md"), "# Sample\n");
            sandbox.write(&format!("{name}/model.gguf"), weights);
            sandbox.kit(&["pack", name, "-t", &format!("sample:{name}")]).ok().digest()
        };
        let (q4, q8) = (pack("q4", model(2, 2).bytes()), pack("q8", model(7, 8).bytes()));
        Self { sandbox, q4, q8 }
    }

    /// Creates the scene, and the index `sample:all` of both ModelKits.
    fn with_index() -> Self {
        let scene = Self::new();
        scene.kit(&["index", "create", "sample:all", "sample:q4", "sample:q8"]).ok();
        scene
    }

    fn kit(&self, args: &[&str]) -> Run {
        self.sandbox.kit(args)
    }

    /// Runs `kit` with another home directory.
    fn elsewhere(&self, args: &[&str]) -> Run {
        self.sandbox.run(self.sandbox.command(args).env("KIT_HOME", self.sandbox.path("elsewhere")))
    }

    /// Returns the entries of the index.
    fn modelkits(&self) -> Value {
        self.kit(&["index", "info", "sample:all", "--format", "json"]).ok().json()["modelKits"].take()
    }
}

/// Returns a fake registry with the index as `team/sample:all`, and the name of the index.
fn pushed(scene: &Scene) -> (FakeRegistry, String) {
    let registry = FakeRegistry::start();
    let name = format!("{}/team/sample:all", registry.host());
    scene.kit(&["index", "push", "sample:all", &name, PLAIN]).ok();
    (registry, name)
}

#[test]
fn labels_come_from_the_headers_and_can_be_changed() {
    let scene = Scene::with_index();
    let facts = |quantization: &str| {
        json!({
            "architecture": "llama", "format": "gguf", "paramSize": "2K", "quantization": quantization,
        })
    };
    let labels = |scene: &Scene| {
        scene.modelkits().as_array().unwrap().iter().map(|kit| kit["labels"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(labels(&scene), [facts("Q4_0"), facts("Q8_0")]);
    let edits = ["-l", "vram=6GB", "-l", r#"gpus:=["sm_80"]"#, "-l", "paramSize-", "-l", "format-"];
    scene.kit(&[&["index", "add", "sample:all", "sample:q4"], &edits[..]].concat()).ok();
    scene.kit(&["index", "add", "sample:all", "sample:q4", "-l", "vram=8GB"]).ok();
    let edited = json!({ "architecture": "llama", "gpus": ["sm_80"], "quantization": "Q4_0", "vram": "8GB" });
    assert_eq!(labels(&scene), [edited, facts("Q8_0")]);
    assert_eq!(scene.modelkits()[0]["reference"], "sample:q4");
    scene.kit(&["index", "add", "sample:all", "sample:q4", "-l", "vram"]).exits(2).says("`KEY-` to remove it");

    scene.sandbox.write("half/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: model.safetensors}\n");
    scene.sandbox.write("half/model.safetensors", samples::small_safetensors());
    scene.kit(&["pack", "half", "-t", "other:half", "--compression", "zstd"]).ok();
    scene.kit(&["index", "add", "sample:all", "other:half", "-l", "vram=1GB"]).ok();
    let half = &scene.modelkits()[2];
    assert_eq!(half["labels"], json!({ "format": "safetensors", "precision": "bfloat16,float32", "vram": "1GB" }));
    assert_eq!(half.get("reference"), None, "the index does not contain names in other repositories");
}

#[test]
fn an_index_is_shown_to_people() {
    let scene = Scene::with_index();
    let shown = scene.kit(&["index", "info", "sample:all"]).ok();
    expect_test::expect![[r#"
        Index sample:all ([DIGEST])
        2 ModelKits:
        ORIGINAL REFERENCE   SIZE      LABELS               DIGEST
        sample:q4            8.0 KiB   architecture=llama   [DIGEST]
                                       format=gguf
                                       paramSize=2K
                                       quantization=Q4_0
        sample:q8            8.0 KiB   architecture=llama   [DIGEST]
                                       format=gguf
                                       paramSize=2K
                                       quantization=Q8_0
    "#]]
    .assert_eq(&shown.redacted_stdout());
    let listed = scene.kit(&["list"]).ok();
    assert!(listed.stdout.contains("<index of 2>   16.0 KiB"), "{}", listed.stdout);
    let rows = scene.kit(&["index", "list", "--format", "json"]).ok().json();
    assert_eq!(
        (rows.as_array().unwrap().len(), &rows[0]["tags"], &rows[0]["modelKits"]),
        (1, &json!(["all"]), &json!(2))
    );
    assert_eq!(scene.kit(&["log", "sample", "--format", "json"]).ok().json().as_array().unwrap().len(), 2);
    scene.kit(&["index", "create", "sample:empty"]).ok();
    scene.kit(&["index", "info", "sample:empty"]).ok().prints("No ModelKits");
}

#[test]
fn an_index_appears_when_its_modelkits_are_there() {
    let scene = Scene::with_index();
    let (registry, name) = pushed(&scene);
    let puts: Vec<_> = registry.requests_of("PUT", "/manifests/").iter().map(|put| put.target.clone()).collect();
    let ends = |end: &str| puts.iter().position(|target| target.ends_with(end)).unwrap();
    assert!(ends(&scene.q4) < ends("/all") && ends(&scene.q8) < ends("/all"), "{puts:?}");
    let (kind, bytes) = registry.manifest("team/sample", "all").unwrap();
    let stored = scene.kit(&["index", "inspect", "sample:all"]).ok().json();
    assert_eq!((kind.as_str(), serde_json::from_slice::<Value>(&bytes).unwrap()), (INDEX, stored));

    registry.forget_requests();
    scene.kit(&["push", "sample:all", &name, PLAIN]).ok().says("0 B sent");
    let planned = scene.kit(&["push", "sample:all", &name, PLAIN, "--dry-run"]).ok();
    assert_eq!(planned.stdout.lines().filter(|line| line.starts_with("skip ")).count(), 5, "{}", planned.stdout);
    scene.kit(&["index", "push", "sample:q4", &name, PLAIN]).fails().says("`q4` is not an index");
}

#[test]
fn a_pulled_index_is_whole_and_goes_as_a_whole() {
    let scene = Scene::with_index();
    let (registry, name) = pushed(&scene);
    let digest = scene.elsewhere(&["index", "pull", &name, PLAIN]).ok().digest();
    assert_eq!(digest, sha256(&registry.manifest("team/sample", "all").unwrap().1));
    scene.elsewhere(&["fsck"]).ok();
    registry.forget_requests();
    let repository = name.trim_end_matches(":all");
    for (digest, variant) in [(&scene.q4, "Q4_0"), (&scene.q8, "Q8_0")] {
        scene.elsewhere(&["inspect", &format!("{repository}@{digest}")]).ok().prints(digest);
        scene.elsewhere(&["unpack", &name, "-l", &format!("quantization={variant}"), "-d", variant]).ok();
    }
    assert!(
        scene.sandbox.tree("Q4_0") == scene.sandbox.tree("q4")
            && scene.sandbox.tree("Q8_0") == scene.sandbox.tree("q8")
    );
    assert_eq!(registry.requests().len(), 0, "everything is here");
    // The referrers of the ModelKits were pulled as well.
    scene.elsewhere(&["lineage", &format!("{repository}@{}", scene.q4)]).ok();
    let list = || scene.elsewhere(&["list", "--format", "json"]).ok().json();
    assert_eq!(list().as_array().unwrap().len(), 1);

    scene.elsewhere(&["tag", &format!("{repository}@{}", scene.q4), "kept:v1"]).ok();
    scene.elsewhere(&["index", "delete", &name]).ok();
    assert_eq!(list()[0]["digest"], json!(scene.q4));
    scene.elsewhere(&["remove", "kept:v1"]).ok();
    assert_eq!(scene.sandbox.names("elsewhere/store/blobs"), Vec::<String>::new());
}

#[test]
fn labels_choose_what_is_pulled() {
    let scene = Scene::with_index();
    let (registry, name) = pushed(&scene);
    registry.forget_requests();
    let pulled = scene.elsewhere(&["pull", &name, PLAIN, "-l", "quantization=Q8_0", "-l", "format=gguf"]).ok();
    assert_eq!(pulled.digest(), scene.q8);
    let fetched = |variant: &str| {
        let manifest = scene.kit(&["inspect", variant]).ok().json()["manifest"].take();
        registry.requests_of("GET", manifest["layers"][0]["digest"].as_str().unwrap()).len()
    };
    assert_eq!((fetched("sample:q8"), fetched("sample:q4")), (1, 0));
    // As with an image for several platforms, the name is that of the index.
    scene.elsewhere(&["inspect", &name]).ok().prints(&scene.q8);
    scene.elsewhere(&["unpack", &name, "-l", "quantization=Q4_0", "-d", "out", PLAIN]).ok();
    assert!(scene.sandbox.tree("out") == scene.sandbox.tree("q4"));
    let planned = scene.elsewhere(&["pull", &name, PLAIN, "-l", "quantization=Q4_0", "--dry-run"]).ok();
    assert_eq!(planned.stdout.lines().count(), 3, "{}", planned.stdout);

    let other = scene.kit(&["pull", &name, "mine:v1", PLAIN, "-l", "quantization=Q4_0"]).ok();
    assert_eq!(other.digest(), scene.q4);
    scene.kit(&["index", "pull", &name, PLAIN]).ok();
    let refused = scene.kit(&["pull", &name, PLAIN, "-l", "quantization=Q4_0"]).fails();
    refused.says("the pull would overwrite the local index `");
}

#[test]
fn the_variants_are_listed_if_none_is_selected() {
    let scene = Scene::with_index();
    let (_registry, name) = pushed(&scene);
    let failure =
        |labels: &[&str]| scene.elsewhere(&[&["pull", &name, PLAIN], labels].concat()).fails().redacted_failure();
    expect_test::expect![[r#"
        error: Failed to pull `[REGISTRY]/team/sample:all`
          caused by: `all` is an index of ModelKits, not a single ModelKit; it contains:
            [DIGEST] q4 (architecture=llama, format=gguf, paramSize=2K, quantization=Q4_0)
            [DIGEST] q8 (architecture=llama, format=gguf, paramSize=2K, quantization=Q8_0)
        hint: select a ModelKit by digest (NAME@DIGEST), or by label with `kit pull` or `kit unpack`: -l quantization=Q8_0
    "#]]
    .assert_eq(&failure(&[]));
    expect_test::expect![[r#"
        error: Failed to pull `[REGISTRY]/team/sample:all`
          caused by: no ModelKit in the index `all` has `format=gguf` and `quantization=Q2_K`; it contains:
            [DIGEST] q4 (architecture=llama, format=gguf, paramSize=2K, quantization=Q4_0)
            [DIGEST] q8 (architecture=llama, format=gguf, paramSize=2K, quantization=Q8_0)
    "#]]
    .assert_eq(&failure(&["-l", "format=gguf", "-l", "quantization=Q2_K"]));
    expect_test::expect![[r#"
        error: Failed to pull `[REGISTRY]/team/sample:all`
          caused by: 2 ModelKits in the index `all` have `format=gguf`:
            [DIGEST] q4 (architecture=llama, format=gguf, paramSize=2K, quantization=Q4_0)
            [DIGEST] q8 (architecture=llama, format=gguf, paramSize=2K, quantization=Q8_0)
        hint: add labels until one ModelKit is left, such as -l quantization=Q8_0
    "#]]
    .assert_eq(&failure(&["-l", "format=gguf"]));
    scene.kit(&["unpack", "sample:q4", "-l", "format=gguf", "-d", "out"]).fails().says("`q4` is not an index");
    scene.elsewhere(&["pull", &name, "-l", "format"]).exits(2).says("use `KEY=VALUE`");
}

#[test]
fn commands_that_need_a_modelkit_name_those_in_the_index() {
    let scene = Scene::with_index();
    for args in [
        &["inspect", "sample:all"][..],
        &["inspect", "sample:all", "--tensors"],
        &["info", "sample:all"],
        &["ls", "sample:all"],
        &["cat", "sample:all//README.md"],
        &["cp", "sample:all//README.md", "out"],
        &["unpack", "sample:all", "-d", "out"],
        &["lineage", "sample:all"],
        &["diff", "sample:q4", "sample:all"],
        &["verify", "q4", "sample:all"],
        &["convert", "sample:all", "--to", "modelpack"],
        &["push", "sample:all", "oci:layout:all", "--also", "image"],
        &["index", "add", "sample:all", "sample:all"],
    ] {
        let failure = scene.kit(args).fails().says("`all` is an index of ModelKits, not a single ModelKit");
        assert!(
            failure.stderr.contains(&scene.q4) && failure.stderr.contains(&scene.q8),
            "{args:?} {}",
            failure.stderr
        );
    }
    assert!(!scene.sandbox.path("layout").exists() && !scene.sandbox.path("out").exists());
}

#[test]
fn an_index_keeps_what_is_in_it() {
    let scene = Scene::with_index();
    scene.kit(&["remove", "sample:q4"]).ok();
    scene.kit(&["remove", "--all"]).ok();
    scene.kit(&["cache", "clear"]).ok();
    scene.kit(&["fsck"]).ok();
    scene.kit(&["unpack", &format!("sample@{}", scene.q4), "-d", "out"]).ok();
    scene.kit(&["index", "create", "sample:all"]).fails().says("`sample:all` already exists");

    scene.kit(&["index", "remove", "sample:all", "sample:q3"]).fails().says("is not in the index");
    scene.kit(&["index", "remove", "sample:all", "sample:q4"]).ok();
    scene.kit(&["index", "remove", "sample:all", &format!("sample@{}", scene.q8)]).ok();
    scene.kit(&["unpack", &format!("sample@{}", scene.q4), "-d", "out"]).fails().says("not found in the local store");
    let blob = format!("kit/store/blobs/sha256/{}", scene.q4.trim_start_matches("sha256:"));
    assert!(!scene.sandbox.path(&blob).exists());
    scene.kit(&["inspect", "sample:q8"]).ok();
    scene.kit(&["index", "delete", "sample:q8"]).fails().says("`q8` is not an index");
    scene.kit(&["index", "remove", &format!("sample@{}", scene.q8), "sample:q8"]).exits(2);
}

#[test]
fn simultaneous_additions_to_an_index_lose_nothing() {
    let scene = Scene::new();
    scene.kit(&["index", "create", "sample:all"]).ok();
    let label = |number: u32| format!("number={number}");
    let add = |number: u32| {
        scene.sandbox.write(
            &format!("many/{number}/Kitfile"),
            format!("manifestVersion: 1.0.0\npackage: {{name: n{number}}}\n"),
        );
        let name = format!("sample:n{number}");
        scene.kit(&["pack", &format!("many/{number}"), "-t", &name]).ok();
        let mut command = scene.sandbox.command(&["index", "add", "sample:all", &name, "-l", &label(number)]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut commands: Vec<_> = (0..6).map(add).collect();
    let children: Vec<_> = commands.iter_mut().map(|command| command.spawn().unwrap()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(scene.modelkits().as_array().unwrap().len(), 6);
    assert_eq!(scene.kit(&["index", "list", "--format", "json"]).ok().json().as_array().unwrap().len(), 1);
}

#[test]
fn models_of_other_modelkits_come_with_an_index() {
    let scene = Scene::new();
    let registry = FakeRegistry::start();
    let (base, child) = (format!("{}/base:v1", registry.host()), format!("{}/child:all", registry.host()));
    scene.kit(&["push", "sample:q4", &base, PLAIN]).ok();
    for name in ["one", "two"] {
        let kitfile = format!("manifestVersion: 1.0.0\npackage: {{name: {name}}}\nmodel: {{path: '{base}'}}\n");
        scene.sandbox.write(&format!("{name}/Kitfile"), kitfile);
        scene.kit(&["pack", name, "-t", &format!("child:{name}"), PLAIN]).ok();
    }
    scene.kit(&["index", "create", "child:all", "child:one", "child:two"]).ok();
    scene.kit(&["push", "child:all", &child, PLAIN]).ok();
    let copied = scene.elsewhere(&["copy", &child, "oci:layout:all", PLAIN]).ok();
    assert_eq!(copied.stderr.matches("which was not copied").count(), 1, "{}", copied.stderr);
    let pulled = scene.elsewhere(&["index", "pull", &child, PLAIN]).ok();
    assert_eq!(pulled.stderr.matches("Pulling referenced modelkit").count(), 1, "{}", pulled.stderr);
    scene.elsewhere(&["inspect", &base]).ok().prints(&scene.q4);
}

#[test]
fn an_archive_carries_an_index_with_all_of_it() {
    let scene = Scene::with_index();
    scene.kit(&["save", "sample:all", "-o", "all.tar"]).ok();
    scene.elsewhere(&["load", "all.tar"]).ok();
    scene.elsewhere(&["fsck"]).ok();
    scene.elsewhere(&["unpack", "sample:all", "-l", "quantization=Q4_0", "-d", "out"]).ok();
    assert!(scene.sandbox.tree("out") == scene.sandbox.tree("q4"));
    let about = |args: &[&str]| scene.elsewhere(args).ok().stderr.matches("in-toto").count();
    assert_eq!(
        about(&["push", "sample:all", "oci:layout:all"]),
        2,
        "the referrers of the ModelKits were loaded as well"
    );
    scene.kit(&["save", "sample:all", "--since", "sample:q4", "-o", "rest.tar"]).ok();
    scene.kit(&["push", "sample:q4", "oci:q4-only:q4"]).ok();
    let third =
        |args: &[&str]| scene.sandbox.run(scene.sandbox.command(args).env("KIT_HOME", scene.sandbox.path("third")));
    third(&["load", "rest.tar"]).fails().says("README.md");
    third(&["pull", "oci:q4-only:q4", "sample:q4"]).ok();
    third(&["load", "rest.tar"]).ok();
    third(&["fsck"]).ok();
}

#[test]
fn an_untrusted_index_adds_nothing_else() {
    let scene = Scene::with_index();
    let (registry, name) = pushed(&scene);
    let (_, bytes) = registry.manifest("team/sample", "all").unwrap();
    let good: Value = serde_json::from_slice(&bytes).unwrap();
    let publish = |index: &Value| registry.add_manifest("team/sample", "all", INDEX, index.to_string().as_bytes());
    let pull = || scene.elsewhere(&["index", "pull", &name, PLAIN, "--retry-for", "1s"]).fails();

    let mut other = good.clone();
    other["artifactType"] = json!("application/vnd.example.other");
    publish(&other);
    pull().says("`all` is not an index of ModelKits");
    let mut long = good.clone();
    long["manifests"][0]["size"] = json!(1_u64 << 40);
    publish(&long);
    pull();
    scene.elsewhere(&["copy", &name, "oci:layout:all", PLAIN]).fails().says(", the limit is 64.0 MiB");
    let mut nested = good.clone();
    nested["manifests"][0] = json!({ "mediaType": INDEX, "digest": sha256(&bytes), "size": bytes.len() });
    registry.add_manifest("team/sample", "nested", INDEX, &bytes);
    publish(&nested);
    pull();
    let mut lying = good;
    lying["manifests"][0]["digest"] = json!(sha256(b"{}"));
    lying["manifests"][0]["size"] = json!(2);
    publish(&lying);
    pull().says("was not found");
    assert_eq!(scene.elsewhere(&["list", "--format", "json"]).ok().json(), json!([]));
}

#[test]
fn docker_s_registry_and_skopeo_keep_an_index_as_it_is() {
    let scene = Scene::with_index();
    let registry = DockerRegistry::start();
    let name = format!("{}/team/sample:all", registry.host());
    let digest = scene.kit(&["index", "push", "sample:all", &name, PLAIN]).ok().digest();
    let raw = |place: &str| {
        let output = Command::new("skopeo").args(["inspect", "--raw", "--tls-verify=false", place]).output().unwrap();
        assert!(output.status.success(), "{place}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    assert_eq!(sha256(&raw(&format!("docker://{name}"))), digest);

    let live = format!("{}/production/sample:live", registry.host());
    scene.elsewhere(&["promote", &name, &live, PLAIN]).ok().says("0 B sent").prints(&digest);
    scene.elsewhere(&["copy", &live, "oci:layout:live", PLAIN]).ok().prints(&digest);
    assert_eq!(sha256(&raw(&format!("oci:{}:live", scene.sandbox.path("layout").display()))), digest);
    let again = format!("{}/again:all", registry.host());
    scene.elsewhere(&["push", "oci:layout:live", &again, PLAIN]).ok().prints(&digest);
    scene.elsewhere(&["list", again.trim_end_matches(":all"), PLAIN]).ok().prints("<index of 2>");
    scene.elsewhere(&["pull", "oci:layout:live", "mine:q8", "-l", "quantization=Q8_0"]).ok().prints(&scene.q8);
    assert_eq!(scene.elsewhere(&["index", "pull", &again, PLAIN]).ok().digest(), digest);
    scene.elsewhere(&["unpack", &again, "-l", "quantization=Q4_0", "-d", "out"]).ok();
    assert!(scene.sandbox.tree("out") == scene.sandbox.tree("q4"));
    scene.kit(&["remove", "--remote", &again, PLAIN]).ok().prints(&digest);
}
