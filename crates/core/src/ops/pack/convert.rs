//! Conversion between artifact formats: the same layers listed by other documents. A ModelKit becomes a ModelPack or
//! the reverse, and either becomes an image.
//!
//! No layer is written or moved. The headers of weights are read, because the config of a ModelPack describes their
//! content.

use std::io::BufReader;

use super::into_store::PackOptions;
use super::packer::Assembled;
use crate::compression::Compression;
use crate::digest::Digest;
use crate::modelkit::{Assembly, CLI_VERSION, Family, Form, Layer, ModelFacts, ModelKit, PackedLayer, label};
use crate::oci::{Content, Descriptor, Manifest, MediaType, Publication, Reference, Source, Tag, Target};
use crate::ops::artifact::{inspect, model_reference};
use crate::ops::error::Error;
use crate::ops::files::{BUFFER_BYTES, buffer, digest, facts, read_whole, weigh};
use crate::ops::session::{Located, Lookup, Session};
use crate::ops::workers;
use crate::progress::{Phase, Progress, Silent, Warning};
use crate::store::Names;

/// Settings of a conversion.
#[derive(Debug, Clone)]
pub struct ConvertOptions {
    /// The number of layers that are read at once.
    pub jobs: usize,
    /// The version of the packer that the manifest names, unless it already names one.
    pub cli_version: String,
}

/// A manifest and its config, ready to be stored in the same place as the layers.
#[derive(Debug, Clone)]
pub struct Documents {
    /// The manifest.
    pub manifest: Descriptor,
    manifest_bytes: Vec<u8>,
    config: Descriptor,
    config_bytes: Vec<u8>,
}

impl Documents {
    fn new(config_bytes: Vec<u8>, manifest: Manifest) -> Self {
        let manifest_bytes = manifest.to_bytes();
        let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &manifest_bytes);
        let descriptor = Descriptor { artifact_type: manifest.artifact_type, ..descriptor };
        Self { manifest: descriptor, manifest_bytes, config: manifest.config, config_bytes }
    }

    /// Stores both at `target`, which already has the layers, and gives the manifest the tag `tag`.
    pub fn publish(&self, target: &dyn Target, tag: &str) -> Result<(), Error> {
        let Self { manifest, manifest_bytes, config, config_bytes } = self;
        let documents = vec![(config, config_bytes as &dyn Content)];
        let published = Publication { descriptor: manifest, manifest: manifest_bytes, tag: Some(tag), documents };
        target.publish_all(&[published]).map_err(|error| Error::writing("the documents of the ModelKit", error))
    }
}

/// Stores the ModelKit `source` of the local store under the name `target` as an artifact of another family.
pub fn convert(
    session: &Session<'_>,
    source: &Reference,
    target: &Reference,
    family: Family,
    options: &ConvertOptions,
) -> Result<Descriptor, Error> {
    // While the writer exists, no layer is removed.
    let writer = session.store.writer(Names::Of(target.clone()))?;
    let found = session.find_reference(source, Lookup::Local)?;
    let documents = list_as(&found, &Form::Artifact(family), options, session.progress)?;
    let tag = target.tag.clone().unwrap_or_else(Tag::latest);
    documents.publish(&writer, tag.as_str())?;
    Ok(documents.manifest)
}

/// Returns documents that list the layers of an artifact in `form`. If the artifact already has that form, its own
/// documents are returned unchanged.
pub fn list_as(
    found: &Located,
    form: &Form,
    options: &ConvertOptions,
    progress: &dyn Progress,
) -> Result<Documents, Error> {
    let inspected = inspect(found)?;
    if *form == Form::Artifact(inspected.modelkit.family) {
        return Ok(Documents {
            manifest: inspected.descriptor,
            manifest_bytes: inspected.manifest_bytes,
            config: inspected.modelkit.manifest.config,
            config_bytes: inspected.config_bytes,
        });
    }
    list_layers(&*found.source, &inspected.modelkit, form, options, progress)
}

/// Returns the documents of the requested family for what was packed as a ModelKit, or `None` if a ModelKit was
/// requested. The layers are in `source`.
pub(super) fn in_family(
    assembled: &Assembled,
    source: &dyn Source,
    options: &PackOptions,
    progress: &dyn Progress,
) -> Result<Option<Documents>, Error> {
    if options.family == Family::ModelKit {
        return Ok(None);
    }
    let manifest = Manifest::parse(&assembled.manifest_bytes).map_err(Error::NotAManifest)?;
    let modelkit = ModelKit::read(manifest, &assembled.config_bytes)?;
    let PackOptions { jobs, cli_version, family, .. } = options;
    let options = ConvertOptions { jobs: *jobs, cli_version: cli_version.clone() };
    list_layers(source, &modelkit, &Form::Artifact(*family), &options, progress).map(Some)
}

fn list_layers(
    source: &dyn Source,
    modelkit: &ModelKit,
    form: &Form,
    options: &ConvertOptions,
    progress: &dyn Progress,
) -> Result<Documents, Error> {
    warn_of_parent(modelkit, form, progress);
    let mut layers = workers::run(options.jobs, &modelkit.layers, |layer| {
        Ok::<_, Error>(PackedLayer::of(layer, diff_id(source, layer, progress)?)?)
    })?;
    // Another packer may have listed them in any order.
    layers.sort_by_key(|layer| (layer.layer_type.section, layer.index));
    let mut annotations = modelkit.manifest.annotations.clone();
    annotations.entry(CLI_VERSION.to_owned()).or_insert_with(|| options.cli_version.clone());
    let assembly = Assembly {
        kitfile: modelkit.config.kitfile.clone(),
        layers,
        facts: facts_for(form, source, modelkit, options)?,
        annotations,
    };
    let (config_bytes, manifest) = assembly.assemble(form)?;
    Ok(Documents::new(config_bytes, manifest))
}

/// Warns if the model is a reference to another ModelKit, because only kit follows references.
fn warn_of_parent(modelkit: &ModelKit, form: &Form, progress: &dyn Progress) {
    let parent = model_reference(modelkit).filter(|_| *form != Form::Artifact(Family::ModelKit));
    if let Some(parent) = parent {
        progress.warn(&Warning::ReferenceInModelPack { reference: &parent.to_string() });
    }
}

/// Reads the weights if the form describes them.
fn facts_for(
    form: &Form,
    source: &dyn Source,
    modelkit: &ModelKit,
    options: &ConvertOptions,
) -> Result<ModelFacts, Error> {
    match form {
        Form::Artifact(Family::ModelPack | Family::LegacyModelPack) => {
            Ok(facts(&weigh(source, modelkit, options.jobs)?))
        }
        Form::Artifact(Family::ModelKit) | Form::Image(_) => Ok(ModelFacts::default()),
    }
}

/// The digest of the uncompressed layer. If an old packer left it out of the config, the layer is read.
fn diff_id(source: &dyn Source, layer: &Layer, progress: &dyn Progress) -> Result<Digest, Error> {
    match (layer.compression, layer.diff_id) {
        (Compression::None, _) => Ok(layer.descriptor.digest),
        (_, Some(diff_id)) => Ok(diff_id),
        (_, None) => read_diff_id(source, layer, progress),
    }
}

fn read_diff_id(source: &dyn Source, layer: &Layer, progress: &dyn Progress) -> Result<Digest, Error> {
    let Layer { descriptor, compression, .. } = layer;
    let what = label(descriptor);
    let read = read_whole(source, descriptor, (Phase::Verifying, &what), progress, |reader| {
        let mut decoder = compression.decoder(BufReader::with_capacity(BUFFER_BYTES, reader))?;
        digest(&mut decoder, &mut buffer(None), &Silent)
    })?;
    read.map(|(digest, _)| digest).map_err(|error| Error::reading(&what, error.into()))
}

impl Assembled {
    /// Replaces the documents, if there are others.
    pub(super) fn with(self, documents: Option<Documents>) -> Self {
        match documents {
            Some(Documents { manifest, manifest_bytes, config, config_bytes }) => {
                Self { manifest, manifest_bytes, config, config_bytes, ..self }
            }
            None => self,
        }
    }
}
