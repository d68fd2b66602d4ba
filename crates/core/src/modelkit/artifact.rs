//! An existing ModelKit or ModelPack: the layers that its manifest and its config describe together.

use std::collections::HashMap;

use super::config::{Config, InvalidConfig, LayerDigests};
use crate::compression::Compression;
use crate::digest::Digest;
use crate::kitfile::{Entry, Section};
use crate::layer_format::Format;
use crate::modelkit::form::{Family, LayerType, annotated_mode, annotated_path, is_config, modelpack, section_word};
use crate::oci::{Descriptor, Manifest, MediaType};
use crate::relative_path::{PathEscapes, RelativePath};

/// A short description of a blob of a ModelKit for messages: `dataset data/train`.
pub fn label(blob: &Descriptor) -> String {
    match kind_and_path(blob) {
        (Some(CONFIG), None) => CONFIG.to_owned(),
        (Some(kind), Some(path)) => format!("{kind} {path}"),
        (Some(kind), None) => format!("{kind} {}", short(&blob.digest)),
        (None, Some(path)) => path.to_owned(),
        (None, None) => short(&blob.digest),
    }
}

/// The kind of a blob of a ModelKit, such as `dataset` or `config`, and its path in the Kitfile, as far as the
/// descriptor contains them.
pub fn kind_and_path(blob: &Descriptor) -> (Option<&'static str>, Option<&str>) {
    match LayerType::of(blob) {
        None if is_config(blob) => (Some(CONFIG), None),
        layer_type => (layer_type.map(|layer_type| section_word(layer_type.section)), annotated_path(blob)),
    }
}

const CONFIG: &str = "config";

fn short(digest: &Digest) -> String {
    format!("sha256:{}…", &digest.hex()[..12])
}

/// A ModelKit or a ModelPack, as described by its documents.
#[derive(Debug, Clone)]
pub struct ModelKit {
    /// The family whose media types and annotations it uses.
    pub family: Family,
    /// The Kitfile and the digests of its entries. For a ModelPack of another tool, a Kitfile that lists its layers.
    pub config: Config,
    /// The manifest.
    pub manifest: Manifest,
    /// Every layer with the entry of the Kitfile that it belongs to, in the order of the manifest.
    pub layers: Vec<Layer>,
}

/// A layer and its entry in the Kitfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The section of its entry.
    pub section: Section,
    /// The index of the entry in its section, see [`Entry`].
    pub index: usize,
    /// The name of the entry; may be empty.
    pub name: String,
    /// The path of the entry as the Kitfile contains it.
    pub path_as_written: String,
    /// The same path, normalized. All files of the layer have this path or are below it.
    pub path: RelativePath,
    /// The folder that file names in the layer are relative to: the root, or the parent of `path` in ModelKits of
    /// `KitOps` before 0.5.
    pub base: RelativePath,
    /// The blob.
    pub descriptor: Descriptor,
    /// The format in which the layer stores its files.
    pub format: Format,
    /// The compression of the layer.
    pub compression: Compression,
    /// The permission bits of the file in a raw layer, if the layer contains them.
    pub file_mode: Option<u32>,
    /// The digest of the uncompressed layer; ModelKits of `KitOps` before 0.5 do not have it.
    pub diff_id: Option<Digest>,
}

/// The reason why documents are not a valid ModelKit.
#[derive(Debug, thiserror::Error)]
pub enum InvalidModelKit {
    /// It is another kind of artifact.
    #[error("it is neither a ModelKit nor a ModelPack, but `{0}`")]
    Other(String),
    /// The config cannot be read.
    #[error("its config is not valid")]
    Config(#[source] InvalidConfig),
    /// The config of a ModelPack cannot be read.
    #[error("its config is not JSON")]
    ModelPackConfig(#[source] serde_json::Error),
    /// The Kitfile in the annotations of a ModelPack cannot be read.
    #[error("the Kitfile in its annotations is not valid")]
    Kitfile(#[source] InvalidConfig),
    /// A layer of a ModelPack without a Kitfile has no annotation with the path of its files.
    #[error("its layer {0} does not contain the path of its files (annotation `org.cncf.model.filepath`)")]
    NoPath(Digest),
    /// A layer has a type that ModelKits do not have.
    #[error("its layer {digest} has the unknown media type `{media_type}`")]
    UnknownLayer {
        /// The digest of the layer.
        digest: Digest,
        /// The media type of the layer.
        media_type: MediaType,
    },
    /// A layer does not belong to an entry of the Kitfile.
    #[error("its layer {0} does not belong to an entry of its Kitfile")]
    SurplusLayer(Digest),
    /// An entry of the Kitfile has no layer.
    #[error("the entry `{0}` of its Kitfile has no layer")]
    MissingLayer(String),
    /// An entry of the Kitfile has a path that leads outside the folder.
    #[error("the entry `{place}` of its Kitfile is not valid")]
    Path {
        /// The entry.
        place: String,
        /// The problem of the path.
        source: PathEscapes,
    },
}

impl InvalidModelKit {
    pub(super) fn unknown(layer: &Descriptor) -> Self {
        Self::UnknownLayer { digest: layer.digest, media_type: layer.media_type.clone() }
    }
}

impl ModelKit {
    /// Reads the documents of a ModelKit or a ModelPack, made by this or another tool.
    ///
    /// Each layer must belong to an entry of the Kitfile, and each entry that owns a layer must have one. Layers are
    /// found by digest; in ModelKits without digests, the n-th layer of a section belongs to the n-th entry of that
    /// section.
    pub fn read(manifest: Manifest, config: &[u8]) -> Result<Self, InvalidModelKit> {
        let family = Family::of(&manifest).ok_or_else(|| {
            let found = manifest.artifact_type.as_ref().unwrap_or(&manifest.config.media_type);
            InvalidModelKit::Other(found.to_string())
        })?;
        // Checked first, because the error that the entry of such a layer has no layer would be correct but not
        // helpful.
        let candidates = Candidates::new(family, &manifest.layers)?;
        let config = match family {
            Family::ModelKit => Config::from_json(config).map_err(InvalidModelKit::Config)?,
            Family::ModelPack | Family::LegacyModelPack => modelpack::read(&manifest, config)?,
        };
        let mut owners: Vec<Option<Layer>> = manifest.layers.iter().map(|_| None).collect();
        for (entry, digests) in config.entries() {
            let position = candidates.find(&owners, &entry, digests.as_ref());
            let position = position.ok_or_else(|| InvalidModelKit::MissingLayer(entry.place()))?;
            owners[position] = Some(layer(family, &entry, digests.as_ref(), &manifest.layers[position])?);
        }
        let layers =
            manifest.layers.iter().zip(owners).map(|(descriptor, owner)| owner.ok_or_else(|| unowned(descriptor)));
        let layers = layers.collect::<Result<_, _>>()?;
        Ok(Self { family, config, manifest, layers })
    }
}

/// The layers of a manifest, which can have tens of thousands of them, indexed for the search by entry.
struct Candidates {
    family: Family,
    sections: Vec<Section>,
    by_digest: HashMap<Digest, Vec<usize>>,
}

impl Candidates {
    fn new(family: Family, layers: &[Descriptor]) -> Result<Self, InvalidModelKit> {
        let section = |layer| LayerType::of(layer).map(|found| found.section).ok_or_else(|| unowned(layer));
        let sections = layers.iter().map(section).collect::<Result<_, _>>()?;
        let mut by_digest: HashMap<_, Vec<_>> = HashMap::new();
        for (position, layer) in layers.iter().enumerate() {
            by_digest.entry(layer.digest).or_default().push(position);
        }
        Ok(Self { family, sections, by_digest })
    }

    /// The first layer without an owner that fits the entry. Entries with equal content share a digest, but each has
    /// its own layer.
    fn find(&self, owners: &[Option<Layer>], entry: &Entry<'_>, digests: Option<&LayerDigests>) -> Option<usize> {
        let fits = |position: &usize| {
            owners[*position].is_none() && self.family.may_be(self.sections[*position], entry.section)
        };
        match digests {
            Some(digests) => self.by_digest.get(&digests.digest)?.iter().copied().find(fits),
            None => (0..owners.len()).find(fits),
        }
    }
}

fn layer(
    family: Family,
    entry: &Entry<'_>,
    digests: Option<&LayerDigests>,
    descriptor: &Descriptor,
) -> Result<Layer, InvalidModelKit> {
    let layer_type = LayerType::of(descriptor).ok_or_else(|| unowned(descriptor))?;
    let path = entry.relative_path().map_err(|source| InvalidModelKit::Path { place: entry.place(), source })?;
    let is_old = family == Family::ModelKit && digests.is_none();
    let base = if is_old { path.parent().unwrap_or_default() } else { RelativePath::root() };
    Ok(Layer {
        section: entry.section,
        index: entry.index,
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
        None => InvalidModelKit::unknown(descriptor),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::kitfile::{Code, Kitfile};

    #[test]
    fn time_does_not_explode_with_the_number_of_layers() {
        const LAYERS: usize = 10_000;
        let start = Instant::now();
        let media_type = MediaType::of("application/vnd.kitops.modelkit.code.v1.tar");
        let layer = |number: usize| Descriptor::of(media_type.clone(), &number.to_le_bytes());
        let layers: Vec<_> = (0..LAYERS).map(layer).collect();
        let code = (0..LAYERS).map(|number| Code { path: format!("src{number}"), ..Code::default() }).collect();
        let mut config = Config::new(Kitfile { code, ..Kitfile::default() });
        for (index, layer) in layers.iter().rev().enumerate() {
            let digests = LayerDigests { digest: layer.digest, diff_id: None };
            config = config.with_layer(Section::Code, index, digests);
        }
        let bytes = config.to_json();
        let descriptor = Descriptor::of(Family::ModelKit.config_type(), &bytes);
        let manifest = Manifest::new(Family::ModelKit.artifact_type(), descriptor, layers);
        let modelkit = ModelKit::read(manifest, &bytes).unwrap();
        assert_eq!(modelkit.layers[0].index, LAYERS - 1);
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }
}
