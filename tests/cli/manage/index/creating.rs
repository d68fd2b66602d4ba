//! Creating, showing and changing an index.

use std::process::Stdio;

use serde_json::json;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::samples::{self};

use super::scene::{PLAIN, Scene};

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
    scene
        .kit(&["index", "add", "sample:all", "sample:q4", "-l", "vram"])
        .exits(2)
        .says("expected key=value to set, or key- to remove");

    scene.sandbox.write("half/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: model.safetensors}\n");
    scene.sandbox.write("half/model.safetensors", samples::small_safetensors());
    scene.kit(&["pack", "half", "-t", "other:half", "--compression", "zstd"]).ok();
    scene.kit(&["index", "add", "sample:all", "other:half", "-l", "vram=1GB", "--detect-labels"]).ok();
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
        ORIGINAL REFERENCE   SIZE      LABELS               ANNOTATIONS   DIGEST
        sample:q4            8.0 KiB   architecture=llama   <none>        [DIGEST]
                                       format=gguf
                                       paramSize=2K
                                       quantization=Q4_0
        sample:q8            8.0 KiB   architecture=llama   <none>        [DIGEST]
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
    scene.kit(&["index", "info", "sample:empty"]).ok().prints("Index contains no ModelKits");
}

#[test]
fn an_index_protects_its_modelkits_and_never_takes_them_away() {
    let scene = Scene::with_index();
    scene.kit(&["remove", "sample:q4"]).ok();
    scene.kit(&["remove", "--all"]).ok();
    scene.kit(&["cache", "clear"]).ok();
    scene.kit(&["fsck"]).ok();
    let q4 = format!("sample@{}", scene.q4);
    scene.kit(&["unpack", &q4, "-d", "out"]).ok();
    scene.kit(&["index", "create", "sample:all"]).fails().says("`sample:all` already exists");

    scene.kit(&["index", "remove", "sample:all", "sample:q3"]).fails().says("is not in the index");
    scene.kit(&["index", "remove", "sample:all", "sample:q4"]).ok();
    scene.kit(&["index", "remove", "sample:all", &scene.q8]).ok();
    scene.kit(&["inspect", &q4]).ok();
    scene.kit(&["remove", "--all"]).ok().prints(&scene.q4);
    let blob = format!("kit/store/blobs/sha256/{}", scene.q4.trim_start_matches("sha256:"));
    assert!(!scene.sandbox.path(&blob).exists());
    scene.kit(&["inspect", "sample:q8"]).ok();
    scene.kit(&["index", "delete", "sample:q8"]).fails().says("`sample:q8` is not an index");
    scene.kit(&["index", "remove", &format!("sample@{}", scene.q8), "sample:q8"]).exits(2);
}

#[test]
fn indexes_are_deleted_by_tag_by_digest_and_all_together() {
    let scene = Scene::with_index();
    let digest = scene.kit(&["index", "info", "sample:all", "--format", "json"]).ok().json()["digest"].take();
    let digest = digest.as_str().unwrap();
    scene.kit(&["index", "delete", "sample"]).exits(2).says("a tag or a digest is required");
    scene.kit(&["index", "delete", "sample:all", "--all"]).exits(2);
    scene.kit(&["index", "delete"]).exits(2);
    scene.kit(&["tag", "sample:all", "sample:more"]).ok();
    assert_eq!(
        scene.kit(&["index", "delete", "sample:all"]).ok().stdout,
        format!("Untagged index sample:all (digest {digest})\n")
    );
    scene.kit(&["tag", "sample:more", "sample:all"]).ok();
    let by_digest = format!("sample@{digest}");
    assert_eq!(
        scene.kit(&["index", "delete", &by_digest]).ok().stdout,
        format!("Deleted index {by_digest} (digest {digest})\nRemoved tags: more, all\n")
    );
    scene.kit(&["index", "create", "sample:all", "sample:q4"]).ok();
    scene.kit(&["index", "create", "other:all"]).ok();
    scene.kit(&["index", "delete", "--all"]).ok();
    let indexes = || scene.kit(&["index", "list", "--format", "json"]).ok().json().as_array().unwrap().len();
    assert_eq!(indexes(), 2, "both have a tag");
    scene.kit(&["index", "delete", "--all", "--force"]).ok().prints("Deleted index other@sha256:");
    assert_eq!(indexes(), 0);
    scene.kit(&["inspect", "sample:q4"]).ok();
    scene.kit(&["remove", "sample:q4"]).ok();
    scene.kit(&["fsck"]).ok();
}

#[test]
fn a_modelkit_and_an_index_may_have_the_same_name() {
    let scene = Scene::new();
    scene.kit(&["index", "create", "sample:q4", "sample:q4", "sample:q8"]).ok();
    let digest = |args: &[&str]| scene.kit(args).ok().json()["digest"].take();
    assert_eq!(digest(&["inspect", "sample:q4"]), scene.q4.as_str());
    let index = digest(&["index", "info", "sample:q4", "--format", "json"]);
    scene.kit(&["index", "add", "sample:q4", "sample:q8", "-l", "bits:=8"]).ok();
    assert_ne!(digest(&["index", "info", "sample:q4", "--format", "json"]), index);
    scene.kit(&["unpack", "sample:q4", "-l", "bits=8", "-d", "out"]).ok();
    assert!(scene.sandbox.tree("out") == scene.sandbox.tree("q8"));
    scene.kit(&["unpack", "sample:q4", "-d", "first"]).ok();
    assert!(scene.sandbox.tree("first") == scene.sandbox.tree("q4"));
    // The ModelKit is removed by name; the index still protects it.
    scene.kit(&["remove", "sample:q4"]).ok();
    scene.kit(&["inspect", &format!("sample@{}", scene.q4)]).ok();
    scene.kit(&["index", "info", "sample:q4"]).ok();
    scene.kit(&["remove", "sample:q4"]).ok();
    scene.kit(&["index", "info", "sample:q4"]).fails().says("could not find index `sample:q4` in local storage");
    scene.kit(&["index", "add", "sample:q4", "sample:q8"]).fails().says("kit index create");
}

#[test]
fn only_what_was_asked_for_is_recorded() {
    let scene = Scene::new();
    scene
        .kit(&["index", "create", "sample:all"])
        .ok()
        .prints("a9fb1fab7732abad08678d29f8a52add461a4ebd3d6ddd078b94f2659ab9d595");
    scene.kit(&["index", "add", "sample:all", "sample:q4"]).ok();
    assert_eq!((&scene.modelkits()[0]["labels"], &scene.modelkits()[0]["annotations"]), (&json!({}), &json!({})));
    let add = |edits: &[&str]| scene.kit(&[&["index", "add", "sample:all", "sample:q4"], edits].concat());
    add(&["--annotate", "org.example.note=a=b", "--annotate", "org.example.other=c", "-l", "bits:=4"]).ok();
    add(&["--annotate", "org.example.other-"]).ok();
    let entry = scene.modelkits()[0].take();
    assert_eq!(
        (&entry["annotations"], &entry["labels"]),
        (&json!({ "org.example.note": "a=b" }), &json!({ "bits": 4 }))
    );
    let shown = scene.kit(&["index", "info", "sample:all"]).ok();
    expect_test::expect![[r#"
        Index sample:all ([DIGEST])
        1 ModelKit:
        ORIGINAL REFERENCE   SIZE      LABELS   ANNOTATIONS            DIGEST
        sample:q4            8.0 KiB   bits=4   org.example.note=a=b   [DIGEST]
    "#]]
    .assert_eq(&shown.redacted_stdout());
    add(&["--annotate", "a:=1"]).exits(2).says("annotation values are strings; use key=value");
    add(&["--annotate", "ml.kitops.modelkit.size=1"])
        .exits(2)
        .says("namespace is reserved for annotations kit records");
    add(&["-l", "a=1", "-l", "a-"]).exits(2).says("each key can be specified only once");
    add(&["-l", "=1"]).exits(2).says("key cannot be empty");
}

#[test]
fn a_modelkit_is_added_as_the_registry_has_it() {
    let scene = Scene::new();
    let registry = FakeRegistry::start();
    let (kit, index) = (format!("{}/team/sample:q4", registry.host()), format!("{}/team/sample:all", registry.host()));
    scene.kit(&["push", "sample:q4", &kit, PLAIN]).ok();
    scene.elsewhere(&["index", "create", &index]).ok();
    scene.elsewhere(&["index", "add", &index, &kit]).fails().says("in local storage").says("index add --remote");
    let created = scene.elsewhere(&["index", "create", &index.replace("all", "new"), &kit]).fails();
    created.says(&format!("hint: fetch it with `kit pull {kit}`, or"));
    let local = scene.elsewhere(&["index", "create", "sample:new", "sample:absent"]).fails();
    local.says("hint: `kit list` shows local ModelKits\n");
    scene.elsewhere(&["index", "add", "-r", &index, &kit, PLAIN, "--detect-labels"]).ok();
    let entry = scene.elsewhere(&["index", "info", &index, "--format", "json"]).ok().json()["modelKits"][0].take();
    assert_eq!((entry["digest"].as_str(), entry["reference"].as_str()), (Some(&*scene.q4), Some(&*kit)));
    assert_eq!(entry["labels"]["quantization"], "Q4_0");
    scene.elsewhere(&["index", "push", &index, PLAIN]).ok();
    scene.elsewhere(&["pull", &index, PLAIN]).ok().prints(&scene.q4);
    let other = kit.replace("team", "other");
    scene
        .elsewhere(&["index", "add", "-r", &index, &other, PLAIN])
        .fails()
        .says("is not in the same repository as index");
    scene.elsewhere(&["index", "add", "-r", "sample:all", "sample:q4"]).fails();
}

#[test]
fn simultaneous_additions_to_an_index_lose_nothing() {
    let scene = Scene::new();
    scene.kit(&["index", "create", "sample:all"]).ok();
    let label = |number: u32| format!("number={number}");
    let add = |number: u32| {
        scene.sandbox.write(
            &format!("many/{number}/Kitfile"),
            format!("manifestVersion: 1.0.0\npackage: {{name: n{number}}}\ndocs: [{{path: a}}]\n"),
        );
        scene.sandbox.write(&format!("many/{number}/a"), "a");
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
