//! A base image, whose layers come first: with a shell in it, the image of a ModelKit can be run as a container, as
//! KServe does with a modelcar.

use serde_json::{Map, Value, json};

use super::assemble::{CONFIG_TYPE, LAYER_TYPE};
use super::platform::Platform;
use crate::oci::{Descriptor, Manifest};

const DOCKER_CONFIG_TYPE: &str = "application/vnd.docker.container.image.v1+json";
/// The layers of Docker, which have the same bytes as those of the OCI.
const DOCKER_LAYER_TYPES: [(&str, &str); 2] = [
    ("application/vnd.docker.image.rootfs.diff.tar", ""),
    ("application/vnd.docker.image.rootfs.diff.tar.gzip", "+gzip"),
];

/// An image whose layers come first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseImage {
    layers: Vec<Descriptor>,
    platform: Platform,
    config: Value,
}

/// The reason why an artifact cannot be a base image.
#[derive(Debug, thiserror::Error)]
pub enum InvalidBase {
    /// The config has the type of another artifact.
    #[error("it is not a container image: its config has the type `{0}`")]
    NotAnImage(String),
    /// A layer has a type that a new image cannot list.
    #[error("its layer `{digest}` has the type `{media_type}`")]
    Layer {
        /// The digest of the layer.
        digest: String,
        /// The type of the layer.
        media_type: String,
    },
    /// The config is not JSON.
    #[error("its config is not JSON")]
    Config(#[from] serde_json::Error),
    /// A field of the config is missing or wrong.
    #[error("its config has no valid `{0}`")]
    Field(&'static str),
    /// An image index has no manifest for the platform.
    #[error("it has no image for the platform {0}")]
    Platform(Platform),
}

/// The parts of a config that the base contributes.
#[derive(Default)]
pub(super) struct Lower {
    /// The field `config`.
    pub(super) container: Map<String, Value>,
    pub(super) diff_ids: Vec<Value>,
    pub(super) history: Vec<Value>,
}

impl BaseImage {
    /// Reads the image from its manifest and the bytes of its config.
    pub fn read(manifest: &Manifest, config: &[u8]) -> Result<Self, InvalidBase> {
        let kind = manifest.config.media_type.as_str();
        if manifest.config.media_type != CONFIG_TYPE && kind != DOCKER_CONFIG_TYPE {
            return Err(InvalidBase::NotAnImage(kind.to_owned()));
        }
        let config: Value = serde_json::from_slice(config)?;
        let platform = Platform::read(&config).ok_or(InvalidBase::Field("architecture"))?;
        let diff_ids = config["rootfs"]["diff_ids"].as_array().ok_or(InvalidBase::Field("rootfs"))?;
        if diff_ids.len() != manifest.layers.len() {
            return Err(InvalidBase::Field("rootfs"));
        }
        Ok(Self { layers: manifest.layers.iter().map(layer).collect::<Result<_, _>>()?, platform, config })
    }

    /// The layers, with the media types of the OCI.
    pub fn layers(&self) -> &[Descriptor] {
        &self.layers
    }

    pub(super) fn platform(&self) -> &Platform {
        &self.platform
    }

    /// The config of the base, for a container that waits until it is stopped.
    pub(super) fn lower(&self) -> Lower {
        let mut container = self.config["config"].as_object().cloned().unwrap_or_default();
        // Arguments of an entry point would be another command.
        container.remove("Entrypoint");
        container.insert("Cmd".to_owned(), json!(["sleep", "infinity"]));
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let diff_ids = list(&self.config["rootfs"]["diff_ids"]);
        let mut history = list(&self.config["history"]);
        // The entries of layers are matched with the layers in order, so there must be one for each.
        let is_of_layer = |entry: &&Value| entry["empty_layer"] != json!(true);
        let missing = diff_ids.len().saturating_sub(history.iter().filter(is_of_layer).count());
        history.extend(std::iter::repeat_n(json!({ "created_by": "base image" }), missing));
        Lower { container, diff_ids, history }
    }
}

fn layer(layer: &Descriptor) -> Result<Descriptor, InvalidBase> {
    let kind = layer.media_type.as_str();
    let suffix = match kind.strip_prefix(LAYER_TYPE) {
        Some(suffix) if ["", "+gzip", "+zstd"].contains(&suffix) => Some(suffix),
        _ => DOCKER_LAYER_TYPES.iter().find(|(docker, _)| *docker == kind).map(|(_, suffix)| *suffix),
    };
    let unknown = || InvalidBase::Layer { digest: layer.digest.to_string(), media_type: kind.to_owned() };
    let suffix = suffix.ok_or_else(unknown)?;
    Ok(Descriptor::new(format!("{LAYER_TYPE}{suffix}").into(), layer.digest, layer.size))
}
