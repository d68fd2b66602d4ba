//! The layers of a ModelKit as an image (image-spec 1.1), for programs that mount or unpack images: Kubernetes, podman,
//! umoci.
//!
//! An image is a stack of tar archives. The names in ModelKit layers are relative to the root of the project, so the
//! image contains the folder as it was packed.

use serde_json::{Map, Value, json};

use super::base::{BaseImage, Lower};
use super::link;
use super::platform::Platform;
use crate::kitfile::Kitfile;
use crate::layer_format::Format;
use crate::modelkit::assemble::{Assembly, PackedLayer, UnsupportedForm};
use crate::modelkit::form::family::section_word;
use crate::oci::{Descriptor, Manifest, MediaType};

pub(super) const CONFIG_TYPE: MediaType = MediaType::of("application/vnd.oci.image.config.v1+json");
pub(super) const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";

/// An image to be made of the layers of a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The platform in the config. With a base, it is that of the base.
    pub platform: Platform,
    /// The paths below which the files are found.
    pub layout: ImageLayout,
    /// The image whose layers come first.
    pub base: Option<BaseImage>,
}

/// The paths below which an image has the files of a ModelKit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageLayout {
    /// The root, and `/models`, a symbolic link to it in a layer of its own. KServe mounts the subfolder `models` of
    /// an image.
    Link,
    /// The root only.
    Root,
}

/// The config of an image, its manifest, and the layers that no other form of the ModelKit has.
pub(crate) type Assembled = (Vec<u8>, Manifest, Vec<(Descriptor, Vec<u8>)>);

/// Returns the documents of the image. Raw layers are left out, because their bytes are not a tar archive; an image
/// without any other layer is refused.
pub(crate) fn assemble(assembly: &Assembly, image: &Image) -> Result<Assembled, UnsupportedForm> {
    const FORM: &str = "an image";
    let (raw, layers): (Vec<_>, Vec<_>) =
        assembly.layers.iter().partition(|layer| layer.layer_type.format == Format::Raw);
    if layers.is_empty() {
        return Err(match raw.first() {
            Some(raw) => UnsupportedForm::LayerType { path: raw.path.clone(), what: "raw", form: FORM },
            None => UnsupportedForm::NoLayers(FORM),
        });
    }
    let link = (image.layout == ImageLayout::Link).then(link::layer);
    let config = config(&assembly.kitfile, &layers, image, link.as_ref().map(|(link, _)| link));
    let config = serde_json::to_vec(&config).expect("strings and lists can be represented in JSON");
    let base = image.base.iter().flat_map(|base| base.layers().iter().cloned());
    let own = layers.into_iter().map(describe).chain(link.iter().map(|(link, _)| link.clone()));
    let mut manifest = Manifest::new(CONFIG_TYPE, Descriptor::of(CONFIG_TYPE, &config), base.chain(own).collect());
    // The config alone identifies an image (image-spec 1.1, "Guidelines for Artifact Usage").
    manifest.artifact_type = None;
    Ok((config, manifest, link.into_iter().collect()))
}

/// The config of a container that runs the image (image-spec 1.1, "Image Configuration"). The date is that of the files
/// in the layers.
fn config(kitfile: &Kitfile, layers: &[&PackedLayer], image: &Image, link: Option<&Descriptor>) -> Value {
    let (base, platform) = match &image.base {
        Some(base) => (base.lower(), base.platform()),
        None => (Lower::default(), &image.platform),
    };
    let (mut diff_ids, mut history) = (base.diff_ids, base.history);
    for layer in layers {
        diff_ids.push(json!(layer.diff_id));
        let what = format!("{} {}", section_word(layer.layer_type.section), layer.path);
        history.push(json!({ "created": CREATED, "created_by": format!("{LAYER_MARK}{what}") }));
    }
    if let Some(link) = link {
        diff_ids.push(json!(link.digest));
        history.push(json!({ "created": CREATED, "created_by": "kit push: link models" }));
    }
    let mut container = base.container;
    let mut all = container.remove("Labels").and_then(|labels| labels.as_object().cloned()).unwrap_or_default();
    all.extend(labels(kitfile));
    container.insert("Labels".to_owned(), Value::Object(all));
    let mut config = json!({
        "created": CREATED,
        "architecture": platform.architecture,
        "os": platform.os,
        "config": container,
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "history": history,
    });
    if let Some(variant) = &platform.variant {
        config["variant"] = json!(variant);
    }
    config
}

/// The beginning of the history entry of each layer of a ModelKit.
pub(super) const LAYER_MARK: &str = "kit pack: ";

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
