//! The manifest of a ModelKit, and the layers that it and the config describe together.

use super::config::{Config, InvalidConfig, LayerDigests};
use super::layer_type::{LayerType, section_word};
use super::plain_file::{PlainFile, annotated_mode};
use crate::compression::Compression;
use crate::digest::Digest;
use crate::kitfile::{Entry, Kitfile, Section};
use crate::layer_format::Format;
use crate::oci::{Descriptor, Manifest, MediaType};
use crate::relative_path::{PathEscapes, RelativePath};

/// What the manifest of a ModelKit says it is.
const ARTIFACT_TYPE: MediaType = MediaType::of("application/vnd.kitops.modelkit.manifest.v1+json");
const CONFIG_TYPE: MediaType = MediaType::of("application/vnd.kitops.modelkit.config.v1+json");

/// The annotation that names the version of the packer.
pub const CLI_VERSION: &str = "ml.kitops.modelkit.cli-version";
/// Where a layer's files go (ModelPack, "Layer annotations").
const FILEPATH: &str = "org.cncf.model.filepath";
/// The same for CRI-O and podman, which read only this (image-spec 1.1, "Pre-Defined Annotation Keys").
const TITLE: &str = "org.opencontainers.image.title";

/// A layer of a new ModelKit.
#[derive(Debug, Clone)]
pub struct PackedLayer {
    /// What it is.
    pub layer_type: LayerType,
    /// Which entry of its section it belongs to.
    pub index: usize,
    /// The path that the Kitfile gives it.
    pub path: RelativePath,
    /// The blob, with the media type of `layer_type`.
    pub blob: Descriptor,
    /// The digest of the uncompressed layer.
    pub diff_id: Digest,
    /// The file that its path is, if it is one. A raw layer tells of it.
    pub file: Option<PlainFile>,
}

/// The config blob and the manifest of a new ModelKit with `layers`, which come in the order of [`Kitfile::entries`].
///
/// Nothing in them tells when, where or by whom it was packed, so equal files give an equal manifest.
pub fn assemble(kitfile: Kitfile, layers: &[PackedLayer], cli_version: &str) -> (Vec<u8>, Manifest) {
    let add = |config: Config, layer: &PackedLayer| {
        let digests = LayerDigests { digest: layer.blob.digest, diff_id: Some(layer.diff_id) };
        config.with_layer(layer.layer_type.section, layer.index, digests)
    };
    let config = layers.iter().fold(Config::new(kitfile), add).to_json();
    let descriptors = layers.iter().map(describe).collect();
    let mut manifest = Manifest::new(ARTIFACT_TYPE, Descriptor::of(CONFIG_TYPE, &config), descriptors);
    manifest.annotations.insert(CLI_VERSION.to_owned(), cli_version.to_owned());
    (config, manifest)
}

fn describe(layer: &PackedLayer) -> Descriptor {
    let mut descriptor = layer.blob.clone();
    for key in [FILEPATH, TITLE] {
        descriptor.annotations.insert(key.to_owned(), layer.path.to_string());
    }
    layer.layer_type.annotate(&mut descriptor);
    if let (Format::Raw, Some(file)) = (layer.layer_type.format, layer.file) {
        file.annotate(&layer.path, &mut descriptor);
    }
    descriptor
}

/// Whether a manifest is that of a ModelKit: by artifact type or by config type, since older packers write no artifact type
/// and some registries drop it.
pub fn is_modelkit(manifest: &Manifest) -> bool {
    manifest.artifact_type.as_ref() == Some(&ARTIFACT_TYPE) || manifest.config.media_type == CONFIG_TYPE
}

/// A few words that tell a blob of a ModelKit from the others, for messages: `dataset data/train`.
pub fn label(blob: &Descriptor) -> String {
    let path = blob.annotations.get(FILEPATH);
    match (LayerType::of(blob), path) {
        (Some(layer_type), Some(path)) => format!("{} {path}", section_word(layer_type.section)),
        (Some(layer_type), None) => format!("{} {}", section_word(layer_type.section), short(&blob.digest)),
        (None, _) if blob.media_type == CONFIG_TYPE => "config".to_owned(),
        (None, _) => short(&blob.digest),
    }
}

fn short(digest: &Digest) -> String {
    format!("sha256:{}…", &digest.hex()[..12])
}

/// A ModelKit as its documents describe it.
#[derive(Debug, Clone)]
pub struct ModelKit {
    /// The Kitfile and the digests of its entries.
    pub config: Config,
    /// The manifest.
    pub manifest: Manifest,
    /// Every layer with the entry of the Kitfile that it belongs to, in the order of the manifest.
    pub layers: Vec<Layer>,
}

/// A layer and what the Kitfile says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The section of its entry.
    pub section: Section,
    /// The name of its entry, perhaps empty.
    pub name: String,
    /// The path of its entry as the Kitfile has it.
    pub path_as_written: String,
    /// The same path, clean. All files of the layer are there or below.
    pub path: RelativePath,
    /// The folder that names in the layer begin in: the root, but for ModelKits of `KitOps` before 0.5 the parent of `path`.
    pub base: RelativePath,
    /// The blob.
    pub descriptor: Descriptor,
    /// How the layer holds its files.
    pub format: Format,
    /// How it is compressed.
    pub compression: Compression,
    /// The permission bits of the file that a raw layer is, if the layer tells them.
    pub file_mode: Option<u32>,
    /// The digest of the uncompressed layer; ModelKits of `KitOps` before 0.5 do not have it.
    pub diff_id: Option<Digest>,
}

/// Documents that do not make a ModelKit.
#[derive(Debug, thiserror::Error)]
pub enum InvalidModelKit {
    /// It is something else.
    #[error("it is not a ModelKit, but `{0}`")]
    Other(String),
    /// The config cannot be read.
    #[error("its config is not valid")]
    Config(#[source] InvalidConfig),
    /// A layer is of no type that a ModelKit has.
    #[error("its layer {digest} has the unknown media type `{media_type}`")]
    UnknownLayer {
        /// The layer.
        digest: Digest,
        /// Its type.
        media_type: MediaType,
    },
    /// A layer belongs to no entry of the Kitfile.
    #[error("its layer {0} belongs to no entry of its Kitfile")]
    SurplusLayer(Digest),
    /// An entry of the Kitfile has no layer.
    #[error("the entry `{0}` of its Kitfile has no layer")]
    MissingLayer(String),
    /// An entry of the Kitfile has a path that leaves the folder.
    #[error("the entry `{place}` of its Kitfile is not valid")]
    Path {
        /// The entry.
        place: String,
        /// What is wrong with the path.
        source: PathEscapes,
    },
}

impl ModelKit {
    /// Reads the documents of a ModelKit, made by this or an older packer.
    ///
    /// Each layer must belong to an entry of the Kitfile, and each entry that owns a layer must have one. Layers are found by
    /// digest; in ModelKits without digests, the n-th layer of a section is that of its n-th entry.
    pub fn read(manifest: Manifest, config: &[u8]) -> Result<Self, InvalidModelKit> {
        if !is_modelkit(&manifest) {
            let found = manifest.artifact_type.as_ref().unwrap_or(&manifest.config.media_type);
            return Err(InvalidModelKit::Other(found.to_string()));
        }
        let config = Config::from_json(config).map_err(InvalidModelKit::Config)?;
        // Said before that its entry has no layer, which would be true but no help.
        if let Some(unknown) = manifest.layers.iter().find(|layer| LayerType::of(layer).is_none()) {
            return Err(unowned(unknown));
        }
        let mut owners: Vec<Option<Layer>> = manifest.layers.iter().map(|_| None).collect();
        for (entry, digests) in config.entries() {
            let position = find(&manifest.layers, &owners, &entry, digests.as_ref());
            let position = position.ok_or_else(|| InvalidModelKit::MissingLayer(entry.place()))?;
            owners[position] = Some(layer(&entry, digests.as_ref(), &manifest.layers[position])?);
        }
        let layers =
            manifest.layers.iter().zip(owners).map(|(descriptor, owner)| owner.ok_or_else(|| unowned(descriptor)));
        let layers = layers.collect::<Result<_, _>>()?;
        Ok(Self { config, manifest, layers })
    }
}

/// The first layer that has no owner yet and fits the entry. Entries with equal content share a digest, and have a layer each.
fn find(
    layers: &[Descriptor],
    owners: &[Option<Layer>],
    entry: &Entry<'_>,
    digests: Option<&LayerDigests>,
) -> Option<usize> {
    let fits = |layer: &Descriptor| {
        let is_of_section = LayerType::of(layer).is_some_and(|layer_type| layer_type.section == entry.section);
        is_of_section && digests.is_none_or(|digests| digests.digest == layer.digest)
    };
    (0..layers.len()).find(|position| owners[*position].is_none() && fits(&layers[*position]))
}

fn layer(entry: &Entry<'_>, digests: Option<&LayerDigests>, descriptor: &Descriptor) -> Result<Layer, InvalidModelKit> {
    let layer_type = LayerType::of(descriptor).ok_or_else(|| unowned(descriptor))?;
    let path = entry.relative_path().map_err(|source| InvalidModelKit::Path { place: entry.place(), source })?;
    let base = if digests.is_none() { path.parent().unwrap_or_default() } else { RelativePath::root() };
    Ok(Layer {
        section: entry.section,
        name: entry.name.to_owned(),
        path_as_written: entry.path.to_owned(),
        path,
        base,
        descriptor: descriptor.clone(),
        format: layer_type.format,
        compression: layer_type.compression,
        file_mode: annotated_mode(descriptor),
        diff_id: digests.and_then(|digests| digests.diff_id),
    })
}

fn unowned(descriptor: &Descriptor) -> InvalidModelKit {
    match LayerType::of(descriptor) {
        Some(_) => InvalidModelKit::SurplusLayer(descriptor.digest),
        None => InvalidModelKit::UnknownLayer { digest: descriptor.digest, media_type: descriptor.media_type.clone() },
    }
}
