//! A ModelKit or ModelPack that is there: the layers that its manifest and its config describe together.

use std::collections::HashMap;

use super::config::{Config, InvalidConfig, LayerDigests};
use crate::compression::Compression;
use crate::digest::Digest;
use crate::kitfile::{Entry, Section};
use crate::layer_format::Format;
use crate::modelkit::form::{Family, LayerType, annotated_mode, annotated_path, is_config, modelpack, section_word};
use crate::oci::{Descriptor, Manifest, MediaType};
use crate::relative_path::{PathEscapes, RelativePath};

/// A few words that tell a blob of a ModelKit from the others, for messages: `dataset data/train`.
pub fn label(blob: &Descriptor) -> String {
    let path = annotated_path(blob);
    match (LayerType::of(blob), path) {
        (Some(layer_type), Some(path)) => format!("{} {path}", section_word(layer_type.section)),
        (Some(layer_type), None) => format!("{} {}", section_word(layer_type.section), short(&blob.digest)),
        (None, _) if is_config(blob) => "config".to_owned(),
        (None, Some(path)) => path.to_owned(),
        (None, None) => short(&blob.digest),
    }
}

fn short(digest: &Digest) -> String {
    format!("sha256:{}…", &digest.hex()[..12])
}

/// A ModelKit, or a ModelPack, as its documents describe it.
#[derive(Debug, Clone)]
pub struct ModelKit {
    /// Whose names it has.
    pub family: Family,
    /// The Kitfile and the digests of its entries. A ModelPack of somebody else has one that names its layers.
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
    /// Which entry of its section that is, see [`Entry`].
    pub index: usize,
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
    #[error("it is neither a ModelKit nor a ModelPack, but `{0}`")]
    Other(String),
    /// The config cannot be read.
    #[error("its config is not valid")]
    Config(#[source] InvalidConfig),
    /// The config of a ModelPack cannot be read.
    #[error("its config is not JSON")]
    ModelPackConfig(#[source] serde_json::Error),
    /// The Kitfile that a ModelPack carries cannot be read.
    #[error("the Kitfile in its annotations is not valid")]
    Kitfile(#[source] InvalidConfig),
    /// A layer of a ModelPack of somebody else, and no Kitfile, tells where its files go.
    #[error("its layer {0} does not say where its files go (annotation `org.cncf.model.filepath`)")]
    NoPath(Digest),
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

impl InvalidModelKit {
    pub(super) fn unknown(layer: &Descriptor) -> Self {
        Self::UnknownLayer { digest: layer.digest, media_type: layer.media_type.clone() }
    }
}

impl ModelKit {
    /// Reads the documents of a ModelKit or a ModelPack, made by this or another packer.
    ///
    /// Each layer must belong to an entry of the Kitfile, and each entry that owns a layer must have one. Layers are found by
    /// digest; in ModelKits without digests, the n-th layer of a section is that of its n-th entry.
    pub fn read(manifest: Manifest, config: &[u8]) -> Result<Self, InvalidModelKit> {
        let family = Family::of(&manifest).ok_or_else(|| {
            let found = manifest.artifact_type.as_ref().unwrap_or(&manifest.config.media_type);
            InvalidModelKit::Other(found.to_string())
        })?;
        // Said before that its entry has no layer, which would be true but no help.
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

/// The layers of a manifest, which can have tens of thousands of them, by what an entry asks for.
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

    /// The first layer that has no owner yet and fits the entry. Entries with equal content share a digest, but each has a
    /// layer.
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
