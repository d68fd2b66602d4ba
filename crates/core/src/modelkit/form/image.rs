//! The layers of a ModelKit as an image (image-spec 1.1), for programs that mount or unpack images: Kubernetes, podman,
//! umoci.
//!
//! An image is a stack of tar archives. The names in ModelKit layers are relative to the root of the project, so the
//! image contains the folder as it was packed.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value, json};

use super::family::section_word;
use crate::kitfile::Kitfile;
use crate::layer_format::Format;
use crate::modelkit::assemble::{Assembly, PackedLayer, UnsupportedForm};
use crate::oci::{Descriptor, Manifest, MediaType};

const CONFIG_TYPE: MediaType = MediaType::of("application/vnd.oci.image.config.v1+json");
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";

/// The platform of an image in Go's notation: `linux/amd64`, `linux/arm64/v8`. Models do not depend on it, but
/// container runtimes require it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// A text that is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform; use OS/ARCHITECTURE, such as linux/arm64")]
pub struct InvalidPlatform(String);

impl Platform {
    /// Linux on the architecture of this machine.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "loongarch64" => "loong64",
            other => other,
        };
        Self { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: None }
    }
}

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, InvalidPlatform> {
        let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let words: Vec<_> = text.split('/').filter(is_word).map(str::to_owned).collect();
        match words.as_slice() {
            _ if words.len() != text.split('/').count() => Err(InvalidPlatform(text.to_owned())),
            [os, architecture] => Ok(Self { os: os.clone(), architecture: architecture.clone(), variant: None }),
            [os, architecture, variant] => {
                Ok(Self { os: os.clone(), architecture: architecture.clone(), variant: Some(variant.clone()) })
            }
            _ => Err(InvalidPlatform(text.to_owned())),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

/// Returns the config and the manifest of the image. A raw layer is refused: its bytes are not a tar archive, so a new
/// blob would be needed.
pub(crate) fn assemble(assembly: &Assembly, platform: &Platform) -> Result<(Vec<u8>, Manifest), UnsupportedForm> {
    const FORM: &str = "an image";
    let layers = &assembly.layers;
    if layers.is_empty() {
        return Err(UnsupportedForm::NoLayers(FORM));
    }
    if let Some(raw) = layers.iter().find(|layer| layer.layer_type.format == Format::Raw) {
        return Err(UnsupportedForm::LayerType { path: raw.path.clone(), what: "raw", form: FORM });
    }
    let config = serde_json::to_vec(&config(assembly, platform)).expect("strings and lists can be represented in JSON");
    let layers = layers.iter().map(describe).collect();
    let mut manifest = Manifest::new(CONFIG_TYPE, Descriptor::of(CONFIG_TYPE, &config), layers);
    // The config alone identifies an image (image-spec 1.1, "Guidelines for Artifact Usage").
    manifest.artifact_type = None;
    Ok((config, manifest))
}

/// The config of a container that runs the image (image-spec 1.1, "Image Configuration"). The date is that of the files
/// in the layers.
fn config(assembly: &Assembly, platform: &Platform) -> Value {
    let Assembly { kitfile, layers, .. } = assembly;
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id).collect();
    let history = |layer: &PackedLayer| {
        let what = format!("{} {}", section_word(layer.layer_type.section), layer.path);
        json!({ "created": CREATED, "created_by": format!("kit pack: {what}") })
    };
    let mut config = json!({
        "created": CREATED,
        "architecture": platform.architecture,
        "os": platform.os,
        "config": { "Labels": labels(kitfile) },
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": layers.iter().map(history).collect::<Vec<_>>(),
    });
    if let Some(variant) = &platform.variant {
        config["variant"] = json!(variant);
    }
    config
}

const CREATED: &str = "1970-01-01T00:00:00Z";

/// The labels that describe the package (image-spec 1.1, "Pre-Defined Annotation Keys").
fn labels(kitfile: &Kitfile) -> Map<String, Value> {
    let package = &kitfile.package;
    let labels = [
        ("title", package.name.clone()),
        ("version", package.version.clone()),
        ("description", package.description.clone()),
        ("licenses", package.license.clone()),
        ("authors", package.authors.join(", ")),
    ];
    let labels = labels.into_iter().filter(|(_, text)| !text.is_empty());
    labels.map(|(key, text)| (format!("org.opencontainers.image.{key}"), json!(text))).collect()
}

/// The descriptor of a layer. Annotations are left out: they describe a file, but runtimes show them as if they
/// described the image.
fn describe(layer: &PackedLayer) -> Descriptor {
    let media_type = format!("{LAYER_TYPE}{}", layer.layer_type.compression.suffix());
    Descriptor::new(media_type.into(), layer.blob.digest, layer.blob.size)
}
