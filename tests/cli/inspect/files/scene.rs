//! A ModelKit with large files around small ones, in the local store or in a registry.

use kit_core::compression::Compression;
use kit_core::digest::Digest;
use serde_json::Value;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

pub(super) const MEBIBYTE: usize = 1024 * 1024;

/// A ModelKit `sample:v1` with large files around small ones.
pub(super) fn packed(compression: Compression) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    for name in ["a.bin", "z.bin"] {
        sandbox.write(&format!("project/data/{name}"), vec![7; 8 * MEBIBYTE]);
    }
    sandbox.kit(&["pack", "project", "-t", "sample:v1", "--compression", compression.name()]).ok();
    sandbox
}

/// Pushes `sample:v1` to `registry` and removes it from the local store.
pub(super) fn pushed(sandbox: &Sandbox, registry: &str) -> String {
    let remote = format!("{registry}/team/sample:v1");
    sandbox.kit(&["push", "sample:v1", &remote, "--plain-http"]).ok();
    sandbox.kit(&["remove", "sample:v1"]).ok();
    remote
}

/// Returns the number of bytes of blobs that the registry sent, and the number of requests for them.
pub(super) fn moved(registry: &FakeRegistry) -> (u64, usize) {
    let requests = registry.requests_of("GET", "/");
    (requests.iter().map(|request| request.answer_bytes).sum(), requests.len())
}

/// Changes a byte of the blob of the dataset so that it can still be decoded.
pub(super) fn damage(sandbox: &Sandbox, compression: Compression) {
    let layers = sandbox.kit(&["inspect", "sample:v1"]).ok().json()["manifest"]["layers"].clone();
    let layer = layers.as_array().unwrap().iter().find(|layer| layer.to_string().contains("dataset")).unwrap();
    let path = sandbox.store().join("blobs/sha256").join(&layer["digest"].as_str().unwrap()["sha256:".len()..]);
    let mut bytes = fs_err::read(&path).unwrap();
    let place = match compression {
        Compression::None => bytes.windows(3).position(|found| found == b"1,2").unwrap(),
        // The timestamp in the header of a gzip member.
        _ => 4,
    };
    bytes[place] = b'9';
    fs_err::remove_file(&path).unwrap();
    fs_err::write(&path, bytes).unwrap();
}

/// Removes the tables of contents from the manifest of a local ModelKit, so that it is like one of another tool.
pub(crate) fn drop_tables(sandbox: &Sandbox, name: &str) {
    let inspected = sandbox.kit(&["inspect", name]).ok().json();
    let mut manifest = inspected["manifest"].clone();
    for layer in manifest["layers"].as_array_mut().unwrap() {
        let annotations = layer["annotations"].as_object_mut().unwrap();
        annotations.retain(|key, _| !key.starts_with("ml.kitops.modelkit.contents"));
    }
    let bytes = manifest.to_string();
    let digest = Digest::of(bytes.as_bytes());
    sandbox.write(&format!("kit/store/blobs/sha256/{}", digest.hex()), &bytes);
    let path = sandbox.store().join("index.json");
    let mut index: Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
    for entry in index["manifests"].as_array_mut().unwrap() {
        if entry["digest"] == inspected["digest"] {
            entry["digest"] = digest.to_string().into();
            entry["size"] = bytes.len().into();
        }
    }
    fs_err::write(&path, index.to_string()).unwrap();
}
