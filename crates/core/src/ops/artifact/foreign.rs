//! The kinds of artifacts that other tools write, for the message that one of them is not a ModelKit.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The fields that distinguish manifests from indexes, and artifacts by their types. Other tools may write any value, and
/// `null`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    schema_version: Option<Value>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Config>,
    manifests: Option<Vec<IgnoredAny>>,
    layers: Option<IgnoredAny>,
    blobs: Option<IgnoredAny>,
    fs_layers: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    media_type: Option<String>,
}

/// Config types of container images (image-spec 1.1, "Image Configuration"; distribution, "Image Manifest V 2, Schema
/// 2").
const IMAGE_CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];

/// Describes a manifest or an index of another tool: an image, an image index, an artifact with its type. Returns `None`
/// if `bytes` are none of them, or lack a type.
pub(super) fn foreign_kind(bytes: &[u8]) -> Option<String> {
    let kind: Kind = serde_json::from_slice(bytes).ok()?;
    let artifact_type = kind.artifact_type.filter(|artifact_type| !artifact_type.is_empty());
    if kind.schema_version == Some(1.into()) || kind.fs_layers.is_some() {
        return Some("an image manifest of the obsolete schema version 1".to_owned());
    }
    if let (Some(manifests), None) = (&kind.manifests, &kind.config) {
        let count = manifests.len();
        let manifests = if count == 1 { "1 manifest".to_owned() } else { format!("{count} manifests") };
        return Some(match artifact_type {
            Some(artifact_type) => format!("an index of type `{artifact_type}` with {manifests}"),
            None => format!("an image index with {manifests}"),
        });
    }
    if let Some(artifact_type) = artifact_type {
        return Some(format!("an artifact of type `{artifact_type}`"));
    }
    if kind.blobs.is_some() {
        return Some("an OCI artifact manifest, which image-spec 1.1 has removed".to_owned());
    }
    match kind.config {
        Some(Config { media_type: Some(config) }) if IMAGE_CONFIGS.contains(&&*config) => {
            Some("a container image".to_owned())
        }
        Some(Config { media_type: Some(config) }) => Some(format!("an artifact with the config type `{config}`")),
        _ => kind.media_type.filter(|_| kind.layers.is_none()).map(|found| format!("a document of type `{found}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_tools_write_is_named() {
        for (document, expected) in [
            (r#"{"schemaVersion":2,"manifests":[{"digest":"d"}]}"#, Some("an image index with 1 manifest")),
            (
                r#"{"schemaVersion":2,"manifests":[],"artifactType":"a/b"}"#,
                Some("an index of type `a/b` with 0 manifests"),
            ),
            (r#"{"schemaVersion":1,"fsLayers":[]}"#, Some("an image manifest of the obsolete schema version 1")),
            (r#"{"artifactType":"a/b","config":{}}"#, Some("an artifact of type `a/b`")),
            (
                r#"{"config":{"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[]}"#,
                Some("a container image"),
            ),
            (
                r#"{"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json"}}"#,
                Some("an artifact with the config type `application/vnd.cncf.helm.config.v1+json`"),
            ),
            (r#"{"mediaType":"a/b"}"#, Some("a document of type `a/b`")),
            (r#"{"mediaType":"a/b","layers":[]}"#, None),
            ("{}", None),
            ("not JSON", None),
        ] {
            assert_eq!(foreign_kind(document.as_bytes()).as_deref(), expected, "{document}");
        }
    }
}
