//! Creating, showing and changing an index.

use std::process::Stdio;

use serde_json::json;

use kit_testkit::samples::{self};

use super::scene::Scene;

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
fn an_index_protects_its_modelkits() {
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
    scene.kit(&["index", "delete", "sample:q8"]).fails().says("`sample:q8` is not an index");
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
