//! ModelKits of newer versions, put together by hand: kinds of layers, media types, annotations and fields that this
//! version does not know are kept by every command that moves a ModelKit, and skipped by those that read it.

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox};
use serde_json::{Value, json};

use crate::transfer::{Layout, tar};

const SECRET: &str = "application/vnd.kitops.modelkit.adapter.v2.bin+lz4";
const FOREIGN: &str = "application/vnd.example.telemetry.v1+json";

/// A layer with the media type `media_type`.
fn layer(layout: &Layout, media_type: &str, bytes: &[u8]) -> Value {
    let mut layer = layout.layer("tar", bytes);
    layer["mediaType"] = media_type.into();
    layer
}

/// A model of a known type, and two layers of unknown types.
fn layers(layout: &Layout) -> [Value; 3] {
    let mut foreign = layer(layout, FOREIGN, b"{}");
    foreign["annotations"] = json!({ "org.example.future": "kept" });
    [layout.layer("tar", &tar("m", b"weights")), layer(layout, SECRET, b"adapter"), foreign]
}

/// A ModelKit with digests and two layers that no entry names; the config has unknown fields on every level.
fn with_digests(layout: &Layout) {
    let layers = layers(layout);
    let config = json!({
        "manifestVersion": "2.0.0",
        "package": { "name": "future", "mood": "sunny" },
        "model": { "name": "net", "path": "m", "digest": layers[0]["digest"], "temperature": [1] },
        "adapters": [{ "path": "a", "digest": layers[1]["digest"] }],
    });
    layout.publish_annotated(&config, &layers, &json!({ "org.example.manifest": "kept" }));
}

#[test]
fn every_moving_command_carries_every_layer() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    with_digests(&Layout::new(&sandbox));
    let name = |repository: &str| format!("{}/{repository}:v1", registry.host());
    let expected = sandbox.kit(&["inspect", "oci:layout:v1"]).ok().json()["digest"].take();
    sandbox.kit(&["pull", "oci:layout:v1", "a:v1"]).ok();
    sandbox.kit(&["tag", "a:v1", &name("first")]).ok();
    sandbox.kit(&["push", &name("first"), "--plain-http"]).ok();
    sandbox.kit(&["copy", &name("first"), &name("second"), "--plain-http"]).ok();
    sandbox.kit(&["remove", "--all", "--force"]).ok();
    sandbox.kit(&["pull", &name("second"), "--plain-http"]).ok();
    sandbox.kit(&["save", &name("second"), "-o", "kit.tar"]).ok();
    sandbox.kit(&["remove", "--all", "--force"]).ok();
    sandbox.kit(&["load", "kit.tar"]).ok();
    sandbox.kit(&["fsck"]).ok();
    let loaded = sandbox.kit(&["inspect", &name("second")]).ok().json();
    assert_eq!(loaded["digest"], expected);
    let manifest = &loaded["manifest"];
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 3);
    assert_eq!(manifest["layers"][2]["annotations"]["org.example.future"], "kept");
    assert_eq!(manifest["annotations"]["org.example.manifest"], "kept");
    sandbox.kit(&["push", &name("second"), &name("third"), "--plain-http"]).ok();
    sandbox.kit(&["list", &name("third"), "--plain-http"]).ok().prints("future");
}

#[test]
fn unknown_fields_are_shown_and_unknown_layers_are_not_unpacked() {
    let sandbox = Sandbox::new();
    with_digests(&Layout::new(&sandbox));
    sandbox.kit(&["pull", "oci:layout:v1", "a:v1"]).ok();
    let kitfile = sandbox.kit(&["inspect", "a:v1"]).ok().json()["kitfile"].take();
    assert_eq!((&kitfile["package"]["mood"], &kitfile["model"]["temperature"]), (&json!("sunny"), &json!([1])));
    assert_eq!(kitfile["adapters"][0]["path"], "a");
    sandbox.kit(&["info", "a:v1"]).ok().prints("name: future");
    let run = sandbox.kit(&["unpack", "a:v1", "-d", "out"]).ok();
    assert!(!run.stderr.contains("nknown media type"), "{}", run.stderr);
    run.says(&format!("is not unpacked: no entry of the Kitfile names it (type {FOREIGN})")).says(SECRET);
    assert_eq!(sandbox.read("out/m"), "weights");
    sandbox.kit(&["verify", "out", "a:v1"]).ok();
    let listed = sandbox.kit(&["ls", "a:v1"]).ok().prints("m");
    listed.says(&format!("no entry of the Kitfile names it (type {FOREIGN})")).says(SECRET);
    let filtered = sandbox.kit(&["unpack", "a:v1", "-d", "out", "--filter", "model"]).ok();
    assert!(!filtered.stderr.contains(FOREIGN), "other layers were not asked for: {}", filtered.stderr);
}

#[test]
fn a_comparison_shows_the_layers_of_unknown_types() {
    let sandbox = Sandbox::new();
    let layout = Layout::new(&sandbox);
    with_digests(&layout);
    sandbox.kit(&["pull", "oci:layout:v1", "a:v1"]).ok();
    let model = layout.layer("tar", &tar("m", b"weights"));
    let config = json!({ "model": { "name": "net", "path": "m", "digest": model["digest"] } });
    layout.publish_annotated(&config, &[model], &json!({}));
    let difference = sandbox.kit(&["diff", "a:v1", "oci:layout:v1", "--format", "json"]).ok().json();
    let types: Vec<_> = difference["uniqueToFirst"].as_array().unwrap().iter().map(|row| &row["mediaType"]).collect();
    assert_eq!(types, [FOREIGN, SECRET]);
    assert_eq!(difference["sharedLayers"][0]["path"], "m");
    sandbox.kit(&["diff", "a:v1", "oci:layout:v1"]).ok().prints("| <none>\n");
}

#[test]
fn a_converted_modelkit_keeps_the_other_layers() {
    let sandbox = Sandbox::new();
    with_digests(&Layout::new(&sandbox));
    sandbox.kit(&["pull", "oci:layout:v1", "a:v1"]).ok();
    sandbox.kit(&["convert", "a:v1", "--tag", "b:v1", "--to", "modelpack"]).ok();
    let manifest = sandbox.kit(&["inspect", "b:v1"]).ok().json()["manifest"].take();
    let types: Vec<_> = manifest["layers"].as_array().unwrap().iter().map(|layer| &layer["mediaType"]).collect();
    assert_eq!(types, ["application/vnd.cncf.model.weight.v1.tar", SECRET, FOREIGN]);
}

/// Unpacks a ModelKit whose dataset has a layer of an unknown type, and with `digests` also names its digest.
fn with_unknown_dataset(sandbox: &Sandbox, has_digests: bool, options: &[&str]) -> Run {
    let layout = Layout::new(sandbox);
    let layers = [layout.layer("tar", &tar("m", b"weights")), layer(&layout, SECRET, b"dataset")];
    let mut config = json!({ "model": { "path": "m" }, "datasets": [{ "name": "train", "path": "data" }] });
    if has_digests {
        config["model"]["digest"] = layers[0]["digest"].clone();
        config["datasets"][0]["digest"] = layers[1]["digest"].clone();
    }
    layout.publish_annotated(&config, &layers, &json!({}));
    sandbox.kit(&[&["unpack", "oci:layout:v1", "-d", "out"], options].concat())
}

#[test]
fn an_entry_with_a_layer_of_an_unknown_type_fails_only_if_it_is_wanted() {
    let sandbox = Sandbox::new();
    let message = format!("unrecognized media type {SECRET}");
    for options in [&[][..], &["--filter", "datasets"], &["--filter", "model,datasets:train"]] {
        with_unknown_dataset(&sandbox, true, options).fails().says("failed to plan unpack").says(&message);
        assert!(!sandbox.path("out").exists(), "nothing is left");
    }
    with_unknown_dataset(&sandbox, true, &["--filter", "model"]).ok();
    assert_eq!(sandbox.tree("out").len(), 1);
    sandbox.kit(&["verify", "out", "oci:layout:v1"]).fails().says(&message);
    sandbox.kit(&["ls", "oci:layout:v1"]).ok().prints("m").says(&format!("datasets[0] are not listed: {message}"));
    sandbox.kit(&["cat", "oci:layout:v1//m"]).ok().prints("weights");
}

#[test]
fn without_digests_a_layer_of_an_unknown_type_is_skipped_with_a_warning() {
    let sandbox = Sandbox::new();
    let run = with_unknown_dataset(&sandbox, false, &[]).ok();
    run.says(&format!("Unknown media type {SECRET}: skipping unpack"));
    assert_eq!(sandbox.read("out/m"), "weights");
}

#[test]
fn an_entry_whose_digest_is_not_in_the_manifest_is_named() {
    let sandbox = Sandbox::new();
    let layout = Layout::new(&sandbox);
    let model = layout.layer("tar", &tar("m", b"weights"));
    let missing = kit_core::digest::Digest::of(b"missing");
    let config = json!({
        "model": { "path": "m", "digest": model["digest"] }, "docs": [{ "path": "d", "digest": missing }],
    });
    layout.publish_annotated(&config, &[model], &json!({}));
    let unpack = |options: &[&str]| sandbox.kit(&[&["unpack", "oci:layout:v1", "-d", "out"], options].concat());
    unpack(&[]).fails().says(&format!("digest {missing} not found in manifest"));
    unpack(&["--filter", "model"]).ok();
    sandbox.kit(&["pull", "oci:layout:v1", "a:v1"]).ok();
    sandbox.kit(&["convert", "a:v1", "--to", "modelpack"]).fails().says("not found in manifest");
}

#[test]
fn raw_layers_with_compression_are_unpacked() {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\n");
    sandbox.write("p/m", "weights");
    sandbox.kit(&["pack", "p", "-t", "a:v1", "--layer-format", "raw", "--compression", "gzip"]).ok();
    let layer = sandbox.kit(&["inspect", "a:v1"]).ok().json()["manifest"]["layers"][0].take();
    assert_eq!(layer["mediaType"], "application/vnd.kitops.modelkit.model.v1.raw+gzip");
    sandbox.kit(&["unpack", "a:v1", "-d", "out"]).ok();
    assert_eq!(sandbox.read("out/m"), "weights");
}
