//! The facts for the bill of materials of a ModelKit or a folder.

use super::look::{Looked, look};
use crate::digest::Digest;
use crate::kitfile::Section;
use crate::oci::Reference;
use crate::ops::artifact::{Inspected, inspect, model_reference, records};
use crate::ops::error::Error;
use crate::ops::files::{WeighedModel, weigh};
use crate::ops::guard::Allowed;
use crate::ops::pack::{PackOptions, find_in_folder};
use crate::ops::session::{Located, Location, Session};
use crate::ops::workers;
use crate::progress::Progress;
use crate::sbom::{self, BilledSubject, CycloneDxVersion, ModelDescription, SbomFacts};
use crate::tensors::Format;

/// The format of a bill of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SbomFormat {
    /// CycloneDX, as JSON.
    CycloneDx(CycloneDxVersion),
    /// SPDX 3.0.1, as JSON-LD.
    Spdx,
}

/// Makes the bill of materials of the ModelKit `found`, which was asked for as `location`.
///
/// Of uncompressed layers with a table of contents only documents and headers of weights are read. Files that no table
/// contains are read completely.
pub fn sbom(
    (found, inspected): (&Located, &Inspected),
    location: &Location,
    format: SbomFormat,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Vec<u8>, Error> {
    let subject = BilledSubject::ModelKit { digest: inspected.descriptor.digest, name: name(location) };
    Ok(document(&gather((found, inspected), subject, jobs, progress)?, format))
}

/// Makes the bill of materials of a folder that `pack` would pack. All files are read, and nothing is stored.
///
/// The document has no digest of a ModelKit or of its layers: they depend on settings that are given when it is packed.
pub fn sbom_of_folder(session: &Session<'_>, pack: &PackOptions, format: SbomFormat) -> Result<Vec<u8>, Error> {
    let found = find_in_folder(session, &PackOptions { allowed: Allowed::ALL, ..pack.clone() })?;
    let inspected = inspect(&found)?;
    let name = pack.context.file_name().unwrap_or(pack.context.as_os_str()).to_string_lossy().into_owned();
    // Another identifier than that of the document about the packed ModelKit.
    let identity = Digest::of(format!("folder {}", inspected.descriptor.digest).as_bytes());
    let subject = BilledSubject::Folder { identity, name };
    let mut facts = gather((&found, &inspected), subject, pack.jobs, session.progress)?;
    facts.files.iter_mut().for_each(|file| file.layer = None);
    facts.datasets.clear();
    Ok(document(&facts, format))
}

fn document(facts: &SbomFacts, format: SbomFormat) -> Vec<u8> {
    match format {
        SbomFormat::CycloneDx(version) => sbom::cyclonedx(facts, version),
        SbomFormat::Spdx => sbom::spdx(facts),
    }
}

fn gather(
    (found, inspected): (&Located, &Inspected),
    subject: BilledSubject,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<SbomFacts, Error> {
    let (source, modelkit) = (&*found.source, &inspected.modelkit);
    let layers: Vec<_> = modelkit.layers.iter().collect();
    let mut looked = Looked::default();
    for layer in workers::run(jobs, &layers, |layer| look(source, layer))? {
        looked.add(layer);
    }
    let models = weigh(source, modelkit, jobs)?;
    let datasets = modelkit.layers.iter().filter(|layer| layer.section == Section::Dataset);
    let created = records(source, &inspected.descriptor, progress).into_iter().find_map(|record| record.time);
    Ok(SbomFacts {
        subject,
        kitfile: modelkit.config.kitfile.clone(),
        datasets: datasets.map(|layer| (layer.index, layer.descriptor.clone())).collect(),
        model: describe(&looked, &models),
        parent: model_reference(modelkit),
        created: created.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        license_texts: looked.licenses,
        files: looked.files,
    })
}

fn name(location: &Location) -> Option<Reference> {
    match location {
        Location::Artifact(reference) => Some(reference.clone()),
        Location::Layout { .. } => None,
    }
}

/// Describes the largest model: the others are its adapters.
fn describe(looked: &Looked, models: &[WeighedModel]) -> ModelDescription {
    let mut description = ModelDescription { task: looked.task.clone(), ..ModelDescription::default() };
    let Some(largest) = models.iter().max_by_key(|model| model.summary.parameters) else {
        let config = looked.configs.first();
        description.family = config.and_then(|(_, config)| config.family.clone());
        description.architecture = config.and_then(|(_, config)| config.architecture.clone());
        return description;
    };
    let format = largest.files.first().map(|file| file.format);
    let summary = &largest.summary;
    if format == Some(Format::Gguf) {
        description.family.clone_from(&summary.hyperparameters.architecture);
    } else if let Some(config) = largest.files.first().and_then(|file| looked.config_of(&file.path)) {
        description.family.clone_from(&config.family);
        description.architecture.clone_from(&config.architecture);
    }
    description.format = format.map(|format| format.name().to_lowercase());
    description.parameters = Some(summary.parameters);
    description.tensors = Some(summary.tensors);
    description.tensor_types = summary.types.iter().map(|count| (count.name.to_owned(), count.tensors)).collect();
    description.quantization = summary.hyperparameters.quantization.as_ref().map(|it| it.method.clone());
    description.context_length = summary.hyperparameters.context_length;
    description
}
