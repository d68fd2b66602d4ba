//! An existing ModelKit or ModelPack: the layers that its manifest and its config describe together.

use super::assemble::KITFILE;
use super::config::{Config, InvalidConfig, LayerDigests};
use super::layer_search::{EntryProblem, LayerSearch};
use crate::compression::Compression;
use crate::digest::Digest;
use crate::kitfile::{Entry, Section};
use crate::layer_format::Format;
use crate::modelkit::form::{Family, LayerType, annotated_mode, annotated_path, is_config, modelpack};
use crate::oci::{Descriptor, Manifest};
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

/// The kind of a blob of a ModelKit, such as `datasets` or `config`, and its path in the Kitfile, as far as the
/// descriptor contains them.
pub fn kind_and_path(blob: &Descriptor) -> (Option<&'static str>, Option<&str>) {
    match LayerType::of(blob) {
        None if is_config(blob) => (Some(CONFIG), None),
        layer_type => (layer_type.map(|layer_type| layer_type.section.key()), annotated_path(blob)),
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
    /// The layers that can be read, each with the entry of the Kitfile that it belongs to, in the order of the
    /// manifest.
    pub layers: Vec<Layer>,
    /// The entries of the Kitfile whose layer is missing or cannot be read.
    pub unreadable: Vec<UnreadableEntry>,
    /// The positions in the manifest of all other layers. They are copied with the ModelKit, but not unpacked.
    others: Vec<usize>,
}

/// An entry of the Kitfile without a layer that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableEntry {
    /// The section of the entry.
    pub section: Section,
    /// The name of the entry; may be empty.
    pub name: String,
    /// The path of the entry as the Kitfile contains it.
    pub path_as_written: String,
    /// The same path, normalized.
    pub path: RelativePath,
    /// The entry, as in `datasets[0]`.
    pub place: String,
    /// The reason.
    pub problem: EntryProblem,
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
    /// An entry of the Kitfile has a path that leads outside the folder.
    #[error("the entry `{place}` of its Kitfile is not valid")]
    Path {
        /// The entry.
        place: String,
        /// The problem of the path.
        source: PathEscapes,
    },
}

impl ModelKit {
    /// Reads the documents of a ModelKit or a ModelPack, made by this or another tool.
    ///
    /// Layers are found by digest; in ModelKits without digests, the n-th layer of a section belongs to the n-th entry
    /// of that section. Layers of unknown types, layers that belong to no entry, and entries without a layer are not
    /// errors: a newer version may have more kinds of layers.
    pub fn read(manifest: Manifest, config: &[u8]) -> Result<Self, InvalidModelKit> {
        let family = Family::of(&manifest).ok_or_else(|| {
            let found = manifest.artifact_type.as_ref().unwrap_or(&manifest.config.media_type);
            InvalidModelKit::Other(found.to_string())
        })?;
        let config = match family {
            Family::ModelKit => Config::from_json(config).map_err(InvalidModelKit::Config)?,
            Family::ModelPack | Family::LegacyModelPack => modelpack::read(&manifest, config)?,
        };
        let mut search = LayerSearch::new(family, &manifest.layers);
        let (mut found, mut unreadable) = (Vec::new(), Vec::new());
        for (entry, digests) in config.entries() {
            let path =
                entry.relative_path().map_err(|source| InvalidModelKit::Path { place: entry.place(), source })?;
            match search.find(entry.section, digests.as_ref()) {
                Ok((position, layer_type)) => {
                    let descriptor = &manifest.layers[position];
                    found.push((position, layer(family, (&entry, path), digests.as_ref(), (descriptor, layer_type))));
                }
                Err(problem) => unreadable.push(UnreadableEntry::of(&entry, path, problem)),
            }
        }
        let others = search.unclaimed();
        found.sort_by_key(|(position, _)| *position);
        let layers = found.into_iter().map(|(_, layer)| layer).collect();
        Ok(Self { family, config, manifest, layers, unreadable, others })
    }

    /// The layers that belong to no entry of the Kitfile, or whose type is unknown, in the order of the manifest.
    pub fn other_layers(&self) -> impl Iterator<Item = &Descriptor> {
        self.others.iter().filter_map(|position| self.manifest.layers.get(*position))
    }

    /// Returns true if the Kitfile contains the digests of the layers. Only then can another layer be left out without
    /// a message, because no entry can belong to it.
    pub fn lists_layers(&self) -> bool {
        self.has_kitfile() && self.config.has_digests()
    }

    /// Returns true if the artifact contains a Kitfile. A ModelPack of another tool does not.
    pub fn has_kitfile(&self) -> bool {
        self.family == Family::ModelKit || self.manifest.annotations.contains_key(KITFILE)
    }
}

impl UnreadableEntry {
    fn of(entry: &Entry<'_>, path: RelativePath, problem: EntryProblem) -> Self {
        let place = entry.place();
        let Entry { section, name, path: as_written, .. } = *entry;
        Self { section, name: name.to_owned(), path_as_written: as_written.to_owned(), path, place, problem }
    }
}

fn layer(
    family: Family,
    (entry, path): (&Entry<'_>, RelativePath),
    digests: Option<&LayerDigests>,
    (descriptor, layer_type): (&Descriptor, LayerType),
) -> Layer {
    let is_old = family == Family::ModelKit && digests.is_none();
    let base = if is_old { path.parent().unwrap_or_default() } else { RelativePath::root() };
    Layer {
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
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::kitfile::{Code, Kitfile};
    use crate::oci::MediaType;

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
