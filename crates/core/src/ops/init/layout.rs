//! The files and folders that belong to the model of a project, as its own files name them or as their content shows.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use super::project::Files;
use crate::draft::{
    ADAPTER, Hints, MODULES, ModelFormat, PIPELINE, TELLING_BYTES, base_model, component_folders, module_folders,
    own_code, relative_imports,
};
use crate::file_kind::{FileKind, has_extension, is_side_file};
use crate::oci::RangedReader;
use crate::ops::error::Error;
use crate::tensors::onnx_external_files;

/// The layout of a model, as the files of its project describe it.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    folders: Vec<String>,
    models: Vec<String>,
    files: Vec<String>,
    /// The base model of an adapter.
    pub(super) base_model: Option<String>,
}

/// The files that may name classes of the model itself.
const CONFIGURATIONS: [&str; 5] =
    ["config.json", "tokenizer_config.json", "preprocessor_config.json", "processor_config.json", PIPELINE];
/// The file of a `SavedModel` of TensorFlow, and the folders beside it (`tensorflow.org/guide/saved_model`).
const SAVED_MODEL: (&str, [&str; 3]) = ("saved_model.pb", ["variables", "assets", "assets.extra"]);
/// The file of a model of MLflow, and the files beside it that it needs (mlflow.org, "MLflow Models").
const MLFLOW_MODEL: (&str, [&str; 4]) = ("MLmodel", ["MLmodel", "requirements.txt", "conda.yaml", "python_env.yaml"]);
/// The number of text files that are read in order to find a model among them.
const READ_TEXTS: usize = 32;

impl Layout {
    pub(super) fn read(files: &Files<'_>) -> Result<Self, Error> {
        let mut layout = Self {
            folders: files.text(MODULES)?.as_deref().map(module_folders).unwrap_or_default(),
            base_model: files.text(ADAPTER)?.as_deref().and_then(base_model),
            ..Self::default()
        };
        layout.folders.extend(files.text(PIPELINE)?.as_deref().map(component_folders).unwrap_or_default());
        if files.size(SAVED_MODEL.0).is_some() {
            layout.folders.extend(SAVED_MODEL.1.map(str::to_owned));
        }
        if files.size(MLFLOW_MODEL.0).is_some() {
            layout.files.extend(MLFLOW_MODEL.1.map(str::to_owned));
        }
        layout.files.extend(code_of_model(files)?);
        layout.files.extend(external_data(files)?);
        layout.models = models_in_text(files)?;
        Ok(layout)
    }

    /// The hints for a draft that lists files down to `depth` levels of folders.
    pub(super) fn hints<'a>(&'a self, license: Option<&'a str>, depth: usize) -> Hints<'a> {
        Hints { license, depth, model_folders: &self.folders, models: &self.models, model_files: &self.files }
    }
}

/// Returns the Python files at the top with classes of the model, and those that they import.
fn code_of_model(files: &Files<'_>) -> Result<BTreeSet<String>, Error> {
    let mut found = BTreeSet::new();
    if !files.paths().any(|path| has_extension(path, "py")) {
        return Ok(found);
    }
    let mut new = Vec::new();
    for path in CONFIGURATIONS {
        new.extend(files.text(path)?.as_deref().map(own_code).unwrap_or_default());
    }
    while let Some(path) = new.pop() {
        if files.size(&path).is_some() && found.insert(path.clone()) {
            new.extend(files.text(&path)?.as_deref().map(relative_imports).unwrap_or_default());
        }
    }
    Ok(found)
}

/// Returns the files that ONNX models name. A model is only read if a file beside it is not known as its weights.
fn external_data(files: &Files<'_>) -> Result<BTreeSet<String>, Error> {
    let mut found = BTreeSet::new();
    for path in files.paths().filter(|path| has_extension(path, "onnx")) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let is_unknown = |other: &str| {
            let (other_folder, name) = other.rsplit_once('/').unwrap_or(("", other));
            other_folder.starts_with(folder)
                && !is_side_file(name)
                && (FileKind::of(name) == FileKind::Unknown || has_extension(name, "bin"))
        };
        if !files.paths().any(is_unknown) {
            continue;
        }
        for location in locations(files, path)? {
            let data = if folder.is_empty() { location } else { format!("{folder}/{location}") };
            found.extend(files.size(&data).map(|_| data));
        }
    }
    Ok(found)
}

fn locations(files: &Files<'_>, path: &str) -> Result<BTreeSet<String>, Error> {
    let (content, size) = (files.content(path)?, files.size(path).unwrap_or_default());
    match onnx_external_files(&mut RangedReader::new(&*content, size), size) {
        Ok(locations) => Ok(locations),
        // A damaged model names no files.
        Err(error) if error.kind() == ErrorKind::InvalidData => Ok(BTreeSet::new()),
        Err(error) => Err(Error::reading(&format!("`{path}`"), error.into())),
    }
}

/// Returns the models of `XGBoost` and `LightGBM` in files whose names do not identify them. They are only looked for
/// if there is no other model.
fn models_in_text(files: &Files<'_>) -> Result<Vec<String>, Error> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    if files.paths().any(|path| FileKind::of(&name(path)) == FileKind::Model) {
        return Ok(found);
    }
    let is_text = |path: &&str| {
        FileKind::of(&name(path)) == FileKind::Metadata && (has_extension(path, "json") || has_extension(path, "txt"))
    };
    for path in files.paths().filter(is_text).take(READ_TEXTS) {
        if ModelFormat::of_text(&files.beginning(path, TELLING_BYTES)?).is_some() {
            found.push(path.to_owned());
        }
    }
    Ok(found)
}
