//! ModelKits that stand in a registry without having been packed.

use serde_json::json;

use kit_testkit::registry::FakeRegistry;

/// Puts a ModelKit into `registry` whose model is one `layer` at `path`. Its media type ends with `format`.
pub fn publish_model(registry: &FakeRegistry, format: &str, path: &str, layer: &[u8]) -> String {
    let digest = registry.add_blob(layer);
    let config = json!({ "manifestVersion": "1.0.0", "model": { "path": path, "digest": digest } }).to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "config": {
            "mediaType": "application/vnd.kitops.modelkit.config.v1+json",
            "digest": registry.add_blob(config.as_bytes()),
            "size": config.len(),
        },
        "layers": [{
            "mediaType": format!("application/vnd.kitops.modelkit.model.v1.{format}"),
            "digest": digest,
            "size": layer.len(),
        }],
    });
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    registry.add_manifest("model", "v1", media_type, manifest.to_string().as_bytes());
    format!("{}/model:v1", registry.host())
}
