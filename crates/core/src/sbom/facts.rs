//! The facts that a bill of materials contains.

use std::borrow::Cow;

use serde_json::Value;

use super::purl::purl;
use crate::digest::Digest;
use crate::kitfile::{Dataset, Kitfile, Model, Section};
use crate::oci::{Descriptor, Reference};

/// The facts about a ModelKit, or about a folder that would become one.
#[derive(Debug, Clone)]
pub struct SbomFacts {
    /// The ModelKit or the folder.
    pub subject: BilledSubject,
    /// Its Kitfile.
    pub kitfile: Kitfile,
    /// Its files, in the order of the layers.
    pub files: Vec<BilledFile>,
    /// The layers of its datasets, by the index of the dataset in the Kitfile. A folder has none.
    pub datasets: Vec<(usize, Descriptor)>,
    /// The properties of the model.
    pub model: ModelDescription,
    /// The ModelKit that the model is taken from.
    pub parent: Option<Reference>,
    /// The time of packing, as RFC 3339, if it is recorded.
    pub created: Option<String>,
    /// The identifiers of the licences whose texts are in the ModelKit.
    pub license_texts: Vec<String>,
}

/// The subject of a bill of materials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BilledSubject {
    /// A ModelKit.
    ModelKit {
        /// The digest of its manifest.
        digest: Digest,
        /// The name that it was asked for with; none in an image layout.
        name: Option<Reference>,
    },
    /// A project folder that is not packed. It has files, but neither a digest of its own nor a place in a registry.
    Folder {
        /// A digest that depends on the Kitfile and the files, and identifies the document.
        identity: Digest,
        /// The name of the folder.
        name: String,
    },
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BilledFile {
    /// The path that it is unpacked to.
    pub path: String,
    /// The digest of its content.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The section of its entry in the Kitfile.
    pub section: Section,
    /// The index of the entry in the section.
    pub index: usize,
    /// The layer that contains it; none in a folder.
    pub layer: Option<Digest>,
}

/// The properties of the model that its files contain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelDescription {
    /// The family of the architecture, such as `bert`.
    pub family: Option<String>,
    /// The class of the model, such as `BertForSequenceClassification`.
    pub architecture: Option<String>,
    /// The task, as in a model card.
    pub task: Option<String>,
    /// The format of the weights.
    pub format: Option<String>,
    /// The number of weights.
    pub parameters: Option<u64>,
    /// The number of tensors.
    pub tensors: Option<u64>,
    /// The number of tensors of each type.
    pub tensor_types: Vec<(String, u64)>,
    /// The quantization.
    pub quantization: Option<String>,
    /// The context length in tokens.
    pub context_length: Option<u64>,
}

/// The kind of a ModelKit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MainKind {
    Model,
    Data,
    Application,
}

impl SbomFacts {
    /// The digest of the manifest, if this is a ModelKit.
    pub(super) fn digest(&self) -> Option<&Digest> {
        match &self.subject {
            BilledSubject::ModelKit { digest, .. } => Some(digest),
            BilledSubject::Folder { .. } => None,
        }
    }

    /// The digest that identifies the document.
    pub(super) fn identity(&self) -> &Digest {
        match &self.subject {
            BilledSubject::ModelKit { digest, .. } => digest,
            BilledSubject::Folder { identity, .. } => identity,
        }
    }

    /// The name that the ModelKit was asked for with.
    pub(super) fn reference(&self) -> Option<&Reference> {
        match &self.subject {
            BilledSubject::ModelKit { name, .. } => name.as_ref(),
            BilledSubject::Folder { .. } => None,
        }
    }

    pub(super) fn is_folder(&self) -> bool {
        matches!(self.subject, BilledSubject::Folder { .. })
    }

    /// The package URL of the ModelKit.
    pub(super) fn purl(&self) -> Option<String> {
        purl(self.reference()?, self.digest()?)
    }

    pub(super) fn kind(&self) -> MainKind {
        let Kitfile { model, code, docs, datasets, prompts, mcp_servers, .. } = &self.kitfile;
        let has_others = !code.is_empty() || !prompts.is_empty() || !mcp_servers.is_empty() || !docs.is_empty();
        match model {
            Some(_) => MainKind::Model,
            None if !datasets.is_empty() && !has_others => MainKind::Data,
            None => MainKind::Application,
        }
    }

    fn model(&self) -> Option<&Model> {
        self.kitfile.model.as_ref()
    }

    /// The name of the package; of the model, the repository or the folder, if the package has none.
    pub(super) fn title(&self) -> String {
        let named = [&*self.kitfile.package.name, self.model().map_or("", |model| &model.name)];
        let named = named.into_iter().find(|name| !name.is_empty()).map(str::to_owned);
        named.unwrap_or_else(|| self.last_part().unwrap_or("modelkit").to_owned())
    }

    /// The last part of the repository, or the name of the folder.
    fn last_part(&self) -> Option<&str> {
        match &self.subject {
            BilledSubject::ModelKit { name, .. } => {
                let name = name.as_ref().filter(|name| !name.is_unnamed())?;
                name.repository.rsplit('/').next()
            }
            BilledSubject::Folder { name, .. } => Some(name),
        }
    }

    pub(super) fn version(&self) -> &str {
        self.package_or_model(|package| &package.version, |model| &model.version)
    }

    pub(super) fn description(&self) -> &str {
        self.package_or_model(|package| &package.description, |model| &model.description)
    }

    pub(super) fn license(&self) -> &str {
        self.package_or_model(|package| &package.license, |model| &model.license)
    }

    fn package_or_model<'a>(
        &'a self,
        package: impl Fn(&'a crate::kitfile::Package) -> &'a str,
        model: impl Fn(&'a Model) -> &'a str,
    ) -> &'a str {
        let text = package(&self.kitfile.package);
        if text.is_empty() { self.model().map_or("", model) } else { text }
    }

    /// The parameters of the model, each with its dotted name, without the metrics.
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if let Some(Value::Object(parameters)) = self.model().and_then(|model| model.parameters.as_ref()) {
            let others = parameters.iter().filter(|(name, _)| *name != METRICS);
            others.for_each(|(name, value)| flatten(name, value, &mut found));
        }
        found
    }

    /// The metrics of the model: what its parameters contain under `metrics`.
    pub(super) fn metrics(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let parameters = self.model().and_then(|model| model.parameters.as_ref());
        if let Some(Value::Object(metrics)) = parameters.and_then(|parameters| parameters.get(METRICS)) {
            metrics.iter().for_each(|(name, value)| flatten(name, value, &mut found));
        }
        found
    }

    /// The name of a dataset, which is its path if it has no name.
    pub(super) fn dataset_name(index: usize, dataset: &Dataset) -> Cow<'_, str> {
        let given = [&*dataset.name, &*dataset.path, &*dataset.remote_path].into_iter().find(|name| !name.is_empty());
        given.map_or_else(|| format!("dataset {index}").into(), Into::into)
    }

    /// The layer of the dataset with this index.
    pub(super) fn dataset_layer(&self, index: usize) -> Option<&Descriptor> {
        self.datasets.iter().find(|(at, _)| *at == index).map(|(_, layer)| layer)
    }

    /// The files of the dataset with this index.
    pub(super) fn dataset_files(&self, index: usize) -> impl Iterator<Item = &BilledFile> {
        self.files.iter().filter(move |file| file.section == Section::Dataset && file.index == index)
    }
}

/// The key of the metrics in the parameters of a model.
const METRICS: &str = "metrics";

fn flatten(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| flatten(&format!("{name}.{key}"), value, found));
        }
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(at, value)| flatten(&format!("{name}.{at}"), value, found));
        }
        Value::String(text) => found.push((name.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) => found.push((name.to_owned(), value.to_string())),
    }
}
