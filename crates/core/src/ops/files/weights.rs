//! Facts about the tensors in a ModelKit, read from the headers of its files: no weights are read or downloaded.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::members::{Member, skim};
use super::tables::Headers;
use crate::digest::Digest;
use crate::file_kind::model_stem;
use crate::kitfile::Section;
use crate::limits;
use crate::modelkit::{Layer, ModelKit};
use crate::oci::Source;
use crate::ops::error::Error;
use crate::ops::workers;
use crate::relative_path::RelativePath;
use crate::tensors::{self, Format, Header, Hyperparameters, Summary};

/// A weight file, or all the shards of one model.
#[derive(Debug)]
pub struct WeighedModel {
    /// The path of the file, without the shard number and the extension.
    pub name: String,
    /// The files, by path.
    pub files: Vec<WeightFile>,
    /// A summary of all headers that could be read.
    pub summary: Summary,
}

/// One weight file.
#[derive(Debug)]
pub struct WeightFile {
    /// The path to which it would be unpacked.
    pub path: RelativePath,
    /// The format, according to its name.
    pub format: Format,
    /// The size in bytes; `None` for a compressed layer that consists of this one file.
    pub size: Option<u64>,
    /// The layer that contains it.
    pub layer: Digest,
    /// The offset of its content in the layer, if the layer is not compressed.
    pub offset: Option<u64>,
    /// Its tensors, or the error in its header.
    pub header: Result<Header, tensors::Error>,
}

/// Reads the headers of all weight files in the layers of a ModelKit, `jobs` layers at the same time. The models are
/// sorted by name.
///
/// Uncompressed layers are read in small ranges, compressed ones completely. Only models and model parts are searched
/// for weight files; in datasets, which may contain any number of files, such files are data. The bytes are not
/// verified, because no layer is read completely.
pub fn weigh(source: &dyn Source, modelkit: &ModelKit, jobs: usize) -> Result<Vec<WeighedModel>, Error> {
    let looker =
        Looker { source, tensors: AtomicUsize::new(0), metadata_bytes: AtomicU64::new(0), files: AtomicUsize::new(0) };
    let look = |layers: &[&Layer]| workers::run(jobs, layers, |layer| looker.look(layer));
    let is_of_model = |layer: &&Layer| matches!(layer.section, Section::Model | Section::ModelPart);
    let (of_model, others): (Vec<_>, Vec<_>) = modelkit.layers.iter().partition(is_of_model);
    let mut seen = Seen::default();
    for more in look(&of_model)? {
        seen.files.extend(more.files);
        seen.configs.extend(more.configs);
    }
    let others: Vec<_> = others.into_iter().filter(|layer| seen.may_find_config_in(layer)).collect();
    for more in look(&others)? {
        seen.configs.extend(more.configs);
    }
    Ok(seen.into_models())
}

/// The file in which the transformers library stores the configuration of a model.
const CONFIG: &str = "config.json";

/// The content of layers that describes models.
#[derive(Default)]
struct Seen {
    files: Vec<WeightFile>,
    /// The configs, by their directory.
    configs: BTreeMap<RelativePath, Hyperparameters>,
}

/// Searches layers; may be used by several threads at the same time.
struct Looker<'a> {
    source: &'a dyn Source,
    /// The number of tensors in all headers so far.
    tensors: AtomicUsize,
    /// The length of their metadata.
    metadata_bytes: AtomicU64,
    /// The number of files of weights so far.
    files: AtomicUsize,
}

impl Looker<'_> {
    /// Searches the files of `layer`.
    fn look(&self, layer: &Layer) -> Result<Seen, Error> {
        let mut seen = Seen::default();
        let done = skim(self.source, layer, Headers::Leave, &mut |member, content| {
            if !member.is_directory {
                self.look_at(layer, member, content, &mut seen)?;
            }
            Ok(ControlFlow::Continue(()))
        });
        done.map(|_| seen)
    }

    /// Reads the part of a file that describes the model.
    fn look_at(&self, layer: &Layer, file: &Member, content: &mut dyn Read, seen: &mut Seen) -> Result<(), Error> {
        let Member { path, size, .. } = file;
        let failed = |error: io::Error| Error::reading(&format!("`{path}`"), error.into());
        let name = path.file_name().unwrap_or_default();
        if let Some(format) = Format::of(name) {
            if self.files.fetch_add(1, Ordering::Relaxed) >= limits::LISTED_WEIGHT_FILES {
                return Err(Error::TooManyFiles {
                    what: "files of weights",
                    limit: limits::LISTED_WEIGHT_FILES as u64,
                });
            }
            let header = match self.read_header(format, content, *size) {
                Err(tensors::Error::Read(error)) => return Err(failed(error)),
                header => header,
            };
            let Member { path, size, offset, .. } = file.clone();
            let layer = layer.descriptor.digest;
            seen.files.push(WeightFile { path, format, size, layer, offset, header });
        } else if name == CONFIG && size.is_none_or(|size| size <= limits::MODEL_CONFIG_BYTES) {
            let mut text = Vec::new();
            content.take(limits::MODEL_CONFIG_BYTES).read_to_end(&mut text).map_err(failed)?;
            let config = std::str::from_utf8(&text).ok().and_then(Hyperparameters::of_config);
            seen.configs.extend(path.parent().zip(config));
        }
        Ok(())
    }

    fn read_header(&self, format: Format, content: &mut dyn Read, size: Option<u64>) -> Result<Header, tensors::Error> {
        let header = Header::read(format, content, size)?;
        let bytes = header.metadata.iter().map(|(key, value)| key.len() + value.text().map_or(0, str::len));
        let bytes = bytes.sum::<usize>() as u64;
        if self.metadata_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > limits::LISTED_METADATA_BYTES {
            let limit = limits::LISTED_METADATA_BYTES;
            return Err(tensors::Error::TooMany { what: "bytes of metadata, with the files before it", limit });
        }
        let tensors = self.tensors.fetch_add(header.tensors.len(), Ordering::Relaxed) + header.tensors.len();
        if tensors > limits::LISTED_TENSORS {
            return Err(tensors::Error::TooMany {
                what: "tensors, with the files before it",
                limit: limits::LISTED_TENSORS as u64,
            });
        }
        Ok(header)
    }
}

impl Seen {
    /// Returns true if `layer` may contain the `config.json` of a weight file for which none was found yet.
    fn may_find_config_in(&self, layer: &Layer) -> bool {
        let lacking = self.files.iter().filter(|file| file.format == Format::Safetensors);
        let lacking = lacking.filter(|file| self.config_of(&file.path).is_none());
        let mut folders = lacking.flat_map(|file| folders_above(&file.path));
        layer.section != Section::Dataset
            && folders.any(|folder| folder.child(CONFIG).is_ok_and(|config| config.starts_with(&layer.path)))
    }

    /// The config in the nearest parent directory of `path`.
    fn config_of(&self, path: &RelativePath) -> Option<&Hyperparameters> {
        folders_above(path).find_map(|folder| self.configs.get(&folder))
    }

    fn into_models(mut self) -> Vec<WeighedModel> {
        let mut models: BTreeMap<(String, &str), Vec<WeightFile>> = BTreeMap::new();
        for file in std::mem::take(&mut self.files) {
            models.entry((model_stem(file.path.as_str()).to_owned(), file.format.name())).or_default().push(file);
        }
        models.into_iter().map(|((name, _), files)| self.model(name, files)).collect()
    }

    fn model(&self, name: String, mut files: Vec<WeightFile>) -> WeighedModel {
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let headers: Vec<_> = files.iter().filter_map(|file| file.header.as_ref().ok()).collect();
        let hyperparameters = match files[0].format {
            Format::Safetensors => self.config_of(&files[0].path).cloned(),
            // All shards except the first may lack the description of the model.
            Format::Gguf => headers.first().map(|header| Hyperparameters::of_gguf(&header.metadata)),
        };
        let summary = Summary::new(hyperparameters.unwrap_or_default(), &headers);
        WeighedModel { name, files, summary }
    }
}

/// The parent directories of the file, innermost first.
fn folders_above(path: &RelativePath) -> impl Iterator<Item = RelativePath> {
    std::iter::successors(path.parent(), RelativePath::parent)
}
