//! A registry with a ModelKit, and keys, for the tests of signatures.

use std::path::Path;

use serde_json::{Value, json};

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox, repository};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const PASSWORD: &str = "test-password";

/// The path of a key of the golden files.
pub fn key(name: &str) -> String {
    golden().join("keys").join(name).display().to_string()
}

/// The folder with the golden files.
pub fn golden() -> std::path::PathBuf {
    repository().join("tests/golden/trust")
}

/// Runs `kit` with the password of the golden keys.
pub fn kit(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(sandbox.command(args).env("COSIGN_PASSWORD", PASSWORD))
}

/// The ModelKit of the golden files, in a repository of a registry.
pub struct Scene {
    pub sandbox: Sandbox,
    pub registry: FakeRegistry,
}

impl Scene {
    pub fn new(has_referrers_api: bool) -> Self {
        let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
        sandbox.allow_plain_http(registry.host());
        registry.configure(|options| options.referrers = has_referrers_api);
        Self { sandbox, registry }
    }

    /// Puts the ModelKit into `repository`, and returns its name and its digest.
    pub fn put(&self, repository: &str) -> (String, String) {
        let layout = golden().join("modelkit");
        let mut manifest = String::new();
        let index: Value = serde_json::from_slice(&fs_err::read(layout.join("index.json")).unwrap()).unwrap();
        let listed: Vec<_> =
            index["manifests"].as_array().unwrap().iter().map(|entry| entry["digest"].clone()).collect();
        for file in fs_err::read_dir(layout.join("blobs/sha256")).unwrap() {
            let bytes = fs_err::read(file.unwrap().path()).unwrap();
            let digest = self.registry.add_blob_to(repository, &bytes);
            if listed.contains(&json!(digest)) && is_modelkit(&bytes) {
                manifest = self.registry.add_manifest(repository, "v2", MANIFEST, &bytes);
            }
        }
        (format!("{}/{repository}:v2", self.registry.host()), manifest)
    }

    /// Puts a referrer into `repository`, and into the index under the tag of its subject if the registry has no API.
    pub fn put_referrer(&self, repository: &str, subject: &str, bytes: &[u8], number: usize) {
        let digest = self.registry.add_manifest(repository, &format!("referrer-{number}"), MANIFEST, bytes);
        let document: Value = serde_json::from_slice(bytes).unwrap();
        let kind = document.get("artifactType").unwrap_or(&document["config"]["mediaType"]);
        let tag = subject.replace(':', "-");
        let there = self.registry.manifest(repository, &tag);
        let mut index: Value = there.map_or_else(
            || json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [] }),
            |(_, bytes)| serde_json::from_slice(&bytes).unwrap(),
        );
        // cosign lists its referrers without annotations.
        let entry = json!({ "mediaType": MANIFEST, "digest": digest, "size": bytes.len(), "artifactType": kind });
        index["manifests"].as_array_mut().unwrap().push(entry);
        let text = index.to_string();
        self.registry.add_manifest(repository, &tag, "application/vnd.oci.image.index.v1+json", text.as_bytes());
    }

    /// Copies a ModelKit with everything beside it into an image layout, and returns its name there.
    pub fn copy_to_layout(&self, name: &str, folder: &str) -> String {
        let layout = format!("oci:{folder}:v2");
        kit(&self.sandbox, &["copy", name, &layout]).ok();
        layout
    }
}

fn is_modelkit(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes).is_ok_and(|document| document.get("subject").is_none())
}

/// Returns true if a file of a sandbox exists.
pub fn exists(sandbox: &Sandbox, path: &str) -> bool {
    Path::new(&sandbox.path(path)).exists()
}
