//! Conversion between artifact formats: the same layers listed by other documents. A ModelKit becomes a ModelPack or
//! the reverse, and either becomes an image.
//!
//! No layer is written or moved. The headers of weights are read, because the config of a ModelPack describes their
//! content.

use std::io::BufReader;

use super::image_layout;
use super::into_store::PackOptions;
use super::packer::Assembled;
use crate::compression::Compression;
use crate::digest::Digest;
use crate::kitfile::Section;
use crate::modelkit::{
    Assembly, CLI_VERSION, Documents, Family, Form, Layer, ModelFacts, ModelKit, PackedLayer, SUBSET_OF, Selection,
    label,
};
use crate::oci::{Descriptor, Reference, Source, Tag, Target};
use crate::ops::artifact::{Inspected, inspect, model_reference, refuse_unreadable};
use crate::ops::error::Error;
use crate::ops::files::{BUFFER_BYTES, buffer, digest, facts, read_whole, weigh};
use crate::ops::session::{Located, Lookup, Session};
use crate::ops::trust::admit_renaming;
use crate::ops::workers;
use crate::progress::{Phase, Progress, Silent, Warning};
use crate::store::Names;
use crate::version::VERSION;

/// Stores the ModelKit `source` of the local store under the name `target` as an artifact of another family. At most
/// `jobs` layers are read at once.
pub fn convert(
    session: &Session<'_>,
    source: &Reference,
    target: &Reference,
    family: Family,
    jobs: usize,
) -> Result<Descriptor, Error> {
    // While the writer exists, no layer is removed.
    let writer = session.store.writer(Names::Of(target.clone()))?;
    let found = session.find_reference(source, Lookup::Local)?;
    admit_renaming(session, &found, target)?;
    let documents = list_as(&found, &Form::Artifact(family), jobs, session.progress)?;
    let tag = target.tag.clone().unwrap_or_else(Tag::latest);
    publish(&documents, &writer, tag.as_str())?;
    Ok(documents.manifest)
}

/// Stores `documents` at `target`, which already has the layers, and gives the manifest the tag `tag`.
pub fn publish(documents: &Documents, target: &dyn Target, tag: &str) -> Result<(), Error> {
    let published = target.publish_all(&[documents.publication(Some(tag))]);
    published.map_err(|error| Error::writing("the documents of the ModelKit", error))
}

/// Returns documents that list the layers of an artifact in `form`. If the artifact already has that form, its own
/// documents are returned unchanged. At most `jobs` layers are read at once.
pub fn list_as(found: &Located, form: &Form, jobs: usize, progress: &dyn Progress) -> Result<Documents, Error> {
    let inspected = inspect(found)?;
    if *form == Form::Artifact(inspected.modelkit.family) {
        return Ok(Documents {
            manifest: inspected.descriptor,
            manifest_bytes: inspected.manifest_bytes,
            config: inspected.modelkit.manifest.config,
            config_bytes: inspected.config_bytes,
            blobs: Vec::new(),
        });
    }
    list_layers(&*found.source, &inspected.modelkit, form, jobs, progress)
}

/// Returns the documents of an artifact of the same family that has only the layers and entries in `selection`.
pub(crate) fn list_part(
    found: &Located,
    inspected: &Inspected,
    selection: &Selection,
    (jobs, progress): (usize, &dyn Progress),
) -> Result<Documents, Error> {
    let (source, modelkit) = (&*found.source, &inspected.modelkit);
    refuse_unreadable(modelkit, selection)?;
    let takes = |section, name: &str, path: &str| {
        // A model may be a reference to another ModelKit, which is not a path.
        let relative = path.parse().unwrap_or_default();
        selection.takes_entry(section, [name, path], &relative)
    };
    let (kitfile, moved) = modelkit.config.kitfile.part(&takes);
    let mut layers = Vec::new();
    for layer in modelkit.layers.iter().filter(|layer| selection.takes(layer)) {
        let packed = PackedLayer::of(layer, diff_id(source, layer, progress)?)?;
        let index = moved.get(&(layer.section, layer.index)).copied();
        layers.extend(index.map(|index| PackedLayer { index, ..packed }));
    }
    layers.sort_by_key(|layer| (layer.layer_type.section, layer.index));
    let form = Form::Artifact(modelkit.family);
    let mut annotations = modelkit.manifest.annotations.clone();
    annotations.insert(SUBSET_OF.to_owned(), inspected.descriptor.digest.to_string());
    let has_model = layers.iter().any(|layer| layer.layer_type.section == Section::Model);
    let facts = if has_model { facts_for(&form, source, modelkit, jobs)? } else { ModelFacts::default() };
    let assembly = Assembly { kitfile, layers, others: Vec::new(), facts, annotations };
    Ok(assembly.assemble(&form)?)
}

/// Returns the documents of the requested family for what was packed as a ModelKit. The layers are in `source`.
pub(super) fn in_family(
    assembled: &Assembled,
    source: &dyn Source,
    options: &PackOptions,
    progress: &dyn Progress,
) -> Result<Documents, Error> {
    if options.family == Family::ModelKit {
        return Ok(assembled.documents.clone());
    }
    let form = Form::Artifact(options.family);
    list_layers(source, &assembled.modelkit()?, &form, options.jobs, progress)
}

fn list_layers(
    source: &dyn Source,
    modelkit: &ModelKit,
    form: &Form,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Documents, Error> {
    refuse_unreadable(modelkit, &Selection::default())?;
    warn_of_parent(modelkit, form, progress);
    let form = &match form {
        Form::Image(image) => Form::Image(Box::new(image_layout::fit(image, source, modelkit, jobs, progress)?)),
        artifact @ Form::Artifact(_) => artifact.clone(),
    };
    warn_of_left_out(modelkit, form, progress);
    let mut layers = workers::run(jobs, &modelkit.layers, |layer| {
        Ok::<_, Error>(PackedLayer::of(layer, diff_id(source, layer, progress)?)?)
    })?;
    // Another packer may have listed them in any order.
    layers.sort_by_key(|layer| (layer.layer_type.section, layer.index));
    let mut annotations = modelkit.manifest.annotations.clone();
    annotations.entry(CLI_VERSION.to_owned()).or_insert_with(|| VERSION.to_owned());
    let assembly = Assembly {
        kitfile: modelkit.config.kitfile.clone(),
        layers,
        others: modelkit.other_layers().cloned().collect(),
        facts: facts_for(form, source, modelkit, jobs)?,
        annotations,
    };
    Ok(assembly.assemble(form)?)
}

/// Warns if the model is a reference to another ModelKit, because only kit follows references.
fn warn_of_parent(modelkit: &ModelKit, form: &Form, progress: &dyn Progress) {
    let parent = model_reference(modelkit).filter(|_| *form != Form::Artifact(Family::ModelKit));
    if let Some(parent) = parent {
        progress.warn(&Warning::ReferenceInModelPack { reference: &parent.to_string() });
    }
}

/// Warns of layers of other kinds, which an image cannot contain. Artifacts keep them.
fn warn_of_left_out(modelkit: &ModelKit, form: &Form, progress: &dyn Progress) {
    if let Form::Image(_) = form {
        for layer in modelkit.other_layers() {
            progress.warn(&Warning::LayerLeftOut { media_type: layer.media_type.as_str(), digest: layer.digest });
        }
    }
}

/// Reads the weights if the form describes them.
fn facts_for(form: &Form, source: &dyn Source, modelkit: &ModelKit, jobs: usize) -> Result<ModelFacts, Error> {
    match form {
        Form::Artifact(Family::ModelPack | Family::LegacyModelPack) => Ok(facts(&weigh(source, modelkit, jobs)?)),
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
    let phase = (Phase::Verifying, &*what);
    let read = read_whole(source, descriptor, phase, progress, None, |reader| {
        let mut decoder = compression.decoder(BufReader::with_capacity(BUFFER_BYTES, reader))?;
        digest(&mut decoder, &mut buffer(None), &Silent)
    })?;
    read.map(|(digest, _)| digest).map_err(|error| Error::reading(&what, error.into()))
}
