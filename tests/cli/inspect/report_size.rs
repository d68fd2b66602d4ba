//! `report` on a ModelKit that is too large to be read.

use serde_json::{Value, json};

use crate::trust::scene::MANIFEST;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::samples;
use kit_testkit::sandbox::Sandbox;

const GIBIBYTE: u64 = 1024 * 1024 * 1024;
/// The number of tensors of the model, of one GiB each.
const TENSORS: u64 = 100;

/// A registry with two versions of a model of 100 GiB, as KitOps packs it: a tar layer without a table of contents.
fn published() -> (Sandbox, FakeRegistry, String) {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.allow_plain_http(registry.host());
    for version in ["v1", "v2"] {
        publish(&registry, version);
    }
    let name = format!("{}/team/large:v2", registry.host());
    (sandbox, registry, name)
}

fn publish(registry: &FakeRegistry, version: &str) {
    let weights = weights_header();
    let mut layer = tar_header("model/weights.safetensors", weights.len() as u64 + TENSORS * GIBIBYTE);
    layer.extend(weights);
    let size = (512 + layer.len() as u64 + TENSORS * GIBIBYTE).next_multiple_of(512) + 1024;
    let digest = format!("sha256:{:0>64}", version.trim_start_matches('v'));
    registry.add_sparse_blob(&digest, &layer, size);
    let config = json!({
        "manifestVersion": "1.0.0",
        "package": { "name": "large", "version": version, "license": "MIT" },
        "model": { "path": "model", "digest": digest, "diffId": digest },
    });
    let config = config.to_string();
    let config_digest = registry.add_blob(config.as_bytes());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "application/vnd.kitops.modelkit.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.kitops.modelkit.config.v1+json",
            "digest": config_digest,
            "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.kitops.modelkit.model.v1.tar", "digest": digest, "size": size,
        }],
    });
    registry.add_manifest("team/large", version, MANIFEST, manifest.to_string().as_bytes());
}

/// The beginning of a safetensors file with tensors of one GiB each.
fn weights_header() -> Vec<u8> {
    let entry = |index: u64| {
        let offsets = [index * GIBIBYTE, (index + 1) * GIBIBYTE];
        (
            format!("layer.{index}.weight"),
            json!({ "dtype": "BF16", "shape": [512, 1_048_576], "data_offsets": offsets }),
        )
    };
    let mut header = Value::Object((0..TENSORS).map(entry).collect()).to_string();
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat()
}

/// The header of a file in a tar archive, with a size in base 256 (GNU tar manual, "Basic Tar Format").
fn tar_header(path: &str, size: u64) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..path.len()].copy_from_slice(path.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[108..115].copy_from_slice(b"0000000");
    header[116..123].copy_from_slice(b"0000000");
    header[124] = 0x80;
    header[128..136].copy_from_slice(&size.to_be_bytes());
    header[136..147].copy_from_slice(b"00000000000");
    header[148..156].copy_from_slice(b"        ");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// Writes a project with 4 MiB of weights that cannot be compressed.
fn write_weights(sandbox: &Sandbox) {
    let header = r#"{"w":{"dtype":"U8","shape":[4194304],"data_offsets":[0,4194304]}}"#;
    let mut weights = samples::safetensors(header, 4_194_304);
    let mut state = 1_u64;
    for byte in weights.iter_mut().skip(100) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = state.to_be_bytes()[0];
    }
    sandbox.write("net/m.safetensors", weights);
    sandbox.write("net/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m.safetensors}\n");
}

#[test]
fn little_is_read_of_a_model_of_100_gigabytes() {
    let (sandbox, registry, name) = published();
    let report = sandbox.kit(&["report", "--remote", &name, "--format", "json"]).ok().json();
    assert_eq!(report["size"].as_u64().unwrap() / GIBIBYTE, TENSORS);
    assert_eq!((&report["models"][0]["tensors"], &report["parts"][0]["files"]), (&TENSORS.into(), &1.into()));
    let weights = &report["changes"]["files"][0];
    assert_eq!((&weights["change"], &weights["tensors"]["contentCompared"]), (&"changed".into(), &false.into()));
    assert_eq!(report["history"].as_array().unwrap().len(), 2);
    assert_eq!(report["unknown"], json!([]));
    let read: u64 = registry.requests().iter().map(|request| request.answer_bytes).sum();
    assert!(read < 2_000_000, "{read} bytes in {} requests", registry.requests().len());
}

#[test]
fn a_registry_without_ranges_is_not_read_to_the_end() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    sandbox.allow_plain_http(registry.host());
    write_weights(&sandbox);
    let name = format!("{}/net:v1", registry.host());
    sandbox.kit(&["pack", "net", "-t", &name]).ok();
    sandbox.kit(&["push", &name]).ok();
    registry.configure(|options| options.ranges = false);
    let report = sandbox.kit(&["report", "--remote", &name, "--format", "json"]).ok().json();
    let unknown = report["unknown"].to_string();
    assert!(unknown.contains("requests for parts of a layer"), "{unknown}");
    assert_eq!(report["models"], json!([]));
    let layers = registry.requests_of("GET", "/blobs/").into_iter().filter(|it| it.answer_bytes > 1_000_000);
    assert!(layers.count() <= 1, "only the question is asked if there are ranges");
}

#[test]
fn compressed_weights_are_listed_as_not_read() {
    let sandbox = Sandbox::new();
    write_weights(&sandbox);
    sandbox.kit(&["pack", "net", "-t", "net:v1", "--compression", "gzip"]).ok();
    let report = sandbox.kit(&["report", "net:v1", "--format", "json"]).ok().json();
    assert_eq!(report["models"], json!([]));
    assert!(report["unknown"].to_string().contains("its layer is compressed"), "{}", report["unknown"]);
}
