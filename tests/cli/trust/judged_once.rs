//! Rules about content: each layer is fetched once, and each content is scanned once, however many rules ask.

use serde_json::Value;

use super::guarded::Guarded;
use super::scene::kit;
use kit_testkit::registry::Fault;

const CONTENT: &str = "remote-code = 'forbid'\nsecrets = 'forbid'";

impl Guarded {
    /// Runs `kit` and returns how often each layer was fetched.
    fn fetches(&self, args: &[&str]) -> Vec<usize> {
        self.scene.registry.forget_requests();
        kit(self.sandbox(), args).ok();
        let layers = self.layers();
        layers.iter().map(|layer| self.scene.registry.requests_of("GET", layer).len()).collect()
    }
}

#[test]
fn every_layer_is_fetched_once() {
    let guarded = Guarded::unsigned();
    let (name, host) = (guarded.name.clone(), guarded.host().to_owned());
    guarded.require(CONTENT);
    let once = vec![1; guarded.layers().len()];
    let elsewhere = kit_testkit::registry::FakeRegistry::start();
    guarded.sandbox().allow_plain_http(elsewhere.host());
    let there = |command: &str| format!("{}/copies/{command}:v2", elsewhere.host());
    let both = format!("{host}/production/other:v2");
    for args in [
        &["unpack", &name, "--remote", "-d", "new"][..],
        &["pull", &name],
        &["copy", &name, &there("copy")],
        &["promote", &name, &there("promote")],
        &["copy", &name, "oci:layout:v2"],
        &["promote", &name, &both],
    ] {
        assert_eq!(guarded.fetches(args), once, "{args:?}");
    }
    assert!(guarded.sandbox().path("new/README.md").exists());
    assert!(elsewhere.manifest("copies/copy", "v2").is_some() && elsewhere.manifest("copies/promote", "v2").is_some());
}

#[test]
fn layers_without_tables_are_fetched_once() {
    let guarded = Guarded::unsigned();
    guarded.require(&format!("{CONTENT}\nformats = ['safetensors']"));
    // Without tables of contents, the names of files are read from the layers before their content is judged.
    let (_, bytes) = guarded.scene.registry.manifest("production/net", "v2").unwrap();
    let mut manifest: Value = serde_json::from_slice(&bytes).unwrap();
    for layer in manifest["layers"].as_array_mut().unwrap() {
        layer.as_object_mut().unwrap().remove("annotations");
    }
    let media_type = manifest["mediaType"].as_str().unwrap().to_owned();
    guarded.scene.registry.add_manifest("production/net", "v2", &media_type, manifest.to_string().as_bytes());
    let once = vec![1; guarded.layers().len()];
    assert_eq!(guarded.fetches(&["unpack", &guarded.name, "--remote", "-d", "new"]), once);
    assert_eq!(guarded.fetches(&["pull", &guarded.name]), once);
}

#[test]
fn a_layer_with_other_bytes_is_neither_judged_nor_unpacked() {
    let guarded = Guarded::unsigned();
    guarded.require(CONTENT);
    let layer = guarded.layers().remove(0);
    let bytes = guarded.scene.registry.blob(&layer).unwrap();
    let mut other = bytes.to_vec();
    other[20] ^= 1;
    guarded.scene.registry.replace_blob(&layer, &other);
    let unpack = ["unpack", &guarded.name, "--remote", "-d", "new"];
    kit(guarded.sandbox(), &unpack).fails();
    assert!(!guarded.sandbox().path("new/README.md").exists());
    guarded.scene.registry.replace_blob(&layer, &bytes);
    guarded.scene.registry.fail("GET", &layer, Fault::Status(403, Vec::new()));
    kit(guarded.sandbox(), &unpack).fails();
    assert!(!guarded.sandbox().path("new/README.md").exists());
}
