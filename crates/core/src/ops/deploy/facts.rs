//! Reading the facts from the documents of a ModelKit and the headers of its weights.

use crate::digest::Digest;
use crate::kitfile::{Kitfile, Section};
use crate::modelkit::{ModelKit, has_models_link};
use crate::oci::{Manifest, Reference};
use crate::ops::artifact::{Inspected, model_reference, resolve};
use crate::ops::error::Error;
use crate::ops::files::{WeighedModel, weigh};
use crate::ops::session::{Located, Location, Session};
use crate::ops::transfer::{IMAGE_SUFFIX, other_forms};
use crate::relative_path::RelativePath;
use crate::tensors::Format;

/// The facts about a ModelKit that its deployment needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// The name of the package, or else of the repository.
    pub name: String,
    /// The repository; `None` for an image layout, from which nothing can be deployed.
    pub repository: Option<Reference>,
    /// The digest of the ModelKit.
    pub digest: Digest,
    /// The digest of its image form, if one is tagged beside it.
    pub image: Option<Digest>,
    /// True if the image has the folder `models`, which KServe mounts: as a link to its root, or because all paths are
    /// below it.
    pub has_models_folder: bool,
    /// The model.
    pub model: ServedModel,
    /// The Kitfile.
    pub kitfile: Kitfile,
}

/// The model that is served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServedModel {
    /// The file or the folder of the model, relative to the root of the ModelKit.
    pub path: RelativePath,
    /// The weight files, relative to the root.
    pub files: Vec<RelativePath>,
    /// The format of the weights, if their headers can be read.
    pub format: Option<Format>,
    /// The memory in bytes: weights and cache by the headers, or else the size of the layers of the model.
    pub memory: u64,
    /// True if the memory is that of the headers.
    pub is_weighed: bool,
    /// The architecture by the documents of the model, such as `LlamaForCausalLM` in transformers.
    pub architecture: Option<String>,
    /// The length of the context in tokens.
    pub context_length: Option<u64>,
    /// The method of the quantization.
    pub quantization: Option<String>,
    /// The plain number type of the largest part of the weights, in the words of the headers.
    pub element_type: Option<&'static str>,
    /// The parts of the model that are adapters.
    pub adapters: Vec<RelativePath>,
    /// The other ModelKit whose model is used.
    pub base: Option<Reference>,
}

/// Reads the facts about the ModelKit that was found at `location`.
pub fn deployment(
    session: &Session<'_>,
    (location, found, inspected): (&Location, &Located, &Inspected),
    jobs: usize,
) -> Result<Deployment, Error> {
    let modelkit = &inspected.modelkit;
    let repository = if let Location::Artifact(name) = location { Some(name.without_selector()) } else { None };
    let forms = other_forms(&*found.source, &found.name, &inspected.descriptor, session.progress)?;
    let image = forms.into_iter().find(|form| form.suffix == IMAGE_SUFFIX).map(|form| form.manifest);
    let has_link = match &image {
        Some(image) => {
            let bytes = found.source.manifest(image).map_err(|error| Error::reading("the image form", error))?;
            let manifest = Manifest::parse(&bytes).map_err(Error::NotAManifest)?;
            has_models_link(&manifest)
        }
        None => false,
    };
    let kitfile = modelkit.config.kitfile.clone();
    let last = repository.as_ref().and_then(|name| name.repository.rsplit('/').next().map(str::to_owned));
    let name = Some(kitfile.package.name.clone()).filter(|name| !name.is_empty()).or(last).unwrap_or_default();
    Ok(Deployment {
        name,
        repository,
        digest: inspected.descriptor.digest,
        image: image.map(|image| image.digest),
        has_models_folder: has_link || is_below_models(modelkit),
        model: read_model(session, (location, found, modelkit), jobs)?,
        kitfile,
    })
}

/// Reads the headers of the weights: those of the ModelKit itself, or of the one that its model refers to. Both are
/// unpacked into the same folder.
fn read_model(
    session: &Session<'_>,
    (location, found, modelkit): (&Location, &Located, &ModelKit),
    jobs: usize,
) -> Result<ServedModel, Error> {
    let Some(base) = model_reference(modelkit) else {
        return Ok(served(modelkit, weigh(&*found.source, modelkit, jobs)?));
    };
    let parents = resolve(session, &location.to_string(), base.clone())?;
    let Some(last) = parents.last() else { return Ok(served(modelkit, Vec::new())) };
    let model = served(&last.inspected.modelkit, weigh(&*last.found.source, &last.inspected.modelkit, jobs)?);
    Ok(ServedModel { adapters: adapters(modelkit), base: Some(base), ..model })
}

/// Returns true if all files are below a folder `models`.
fn is_below_models(modelkit: &ModelKit) -> bool {
    let mut firsts = modelkit.layers.iter().map(|layer| layer.path.components().next());
    !modelkit.layers.is_empty() && firsts.all(|first| first == Some("models"))
}

fn served(modelkit: &ModelKit, models: Vec<WeighedModel>) -> ServedModel {
    let of_model = || modelkit.layers.iter().filter(|layer| layer.section == Section::Model);
    let own = of_model().next().map(|layer| layer.path.clone()).unwrap_or_default();
    let size = of_model().map(|layer| layer.descriptor.size).sum();
    let adapters = adapters(modelkit);
    let base = ServedModel { path: own, memory: size, adapters, ..ServedModel::default() };
    let models = models.into_iter().filter(|model| !base.adapters.iter().any(|path| is_of(model, path)));
    let Some(largest) = models.max_by_key(|model| model.summary.memory.weights) else { return base };
    let summary = &largest.summary;
    let files: Vec<_> = largest.files.iter().map(|file| file.path.clone()).collect();
    let path = match &files[..] {
        [only] if largest.files[0].format == Format::Gguf => only.clone(),
        files => files.first().and_then(RelativePath::parent).unwrap_or_default(),
    };
    let is_weighed = largest.files.iter().all(|file| file.header.is_ok());
    ServedModel {
        path,
        format: largest.files.first().map(|file| file.format),
        memory: if is_weighed { summary.memory.total() } else { base.memory },
        is_weighed,
        architecture: summary.hyperparameters.architecture.clone(),
        context_length: summary.hyperparameters.context_length,
        quantization: summary.hyperparameters.quantization.as_ref().map(|quantization| quantization.method.clone()),
        element_type: summary.types.first().map(|count| count.name),
        files,
        ..base
    }
}

/// Returns true if all files of `model` are at or below `path`.
fn is_of(model: &WeighedModel, path: &RelativePath) -> bool {
    model.files.iter().all(|file| file.path.starts_with(path))
}

/// The parts of the model with the type `adapter` or `lora`.
fn adapters(modelkit: &ModelKit) -> Vec<RelativePath> {
    let parts = modelkit.config.kitfile.model.iter().flat_map(|model| &model.parts);
    let is_adapter = |kind: &str| ["adapter", "lora"].iter().any(|word| kind.to_lowercase().contains(word));
    parts.filter(|part| is_adapter(&part.kind)).filter_map(|part| part.path.parse().ok()).collect()
}
