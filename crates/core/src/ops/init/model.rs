//! Metadata from the files of a model: framework, format, and the facts in the headers of its weights.

use std::io::Read;

use serde_json::{Map, Value};

use super::project::Files;
use crate::draft::{ModelFormat, TELLING_BYTES};
use crate::file_kind::model_stem;
use crate::kitfile::Model;
use crate::limits;
use crate::oci::RangedReader;
use crate::ops::error::Error;
use crate::ops::files::facts_of;
use crate::tensors::{self, Format, Header, Hyperparameters, Summary};
use crate::upstream::lfs::Pointer;

/// Fills empty fields of the model with the detected values. Returns a description of the problem if the weights cannot
/// be read.
///
/// `base_model` is the base model of an adapter. It becomes a parameter, under the name that a model card uses.
pub(super) fn fill(files: &Files<'_>, model: &mut Model, base_model: Option<&str>) -> Result<Option<String>, Error> {
    let stored = stored(files, &model.path)?;
    let config = config(files, &model.path)?;
    let (weights, problem) = match weights(files, model)? {
        Ok(headers) => (headers, None),
        Err(_) if is_pointer(files, &model.path)? => (Vec::new(), Some(POINTER.to_owned())),
        Err(problem) if problem.is_unknown() => {
            (Vec::new(), Some(format!("this version of kit cannot read its weights: {problem}")))
        }
        Err(problem) => (Vec::new(), Some(format!("its weights are damaged: {problem}"))),
    };
    let frameworks = [library(files, config.as_deref()), weights.first().and_then(library_of), stored.framework];
    set(&mut model.framework, frameworks.into_iter().flatten().next());
    set(&mut model.format, stored.format);
    let mut facts = facts(&weights, config.as_deref());
    facts.extend(base_model.map(|base| ("base_model".to_owned(), Value::from(base))));
    if !facts.is_empty() {
        let of_card = model.parameters.take().and_then(|parameters| parameters.as_object().cloned());
        model.parameters = Some(Value::Object(facts.into_iter().chain(of_card.unwrap_or_default()).collect()));
    }
    Ok(problem)
}

const POINTER: &str = "this file is only a pointer of git LFS; run `git lfs pull` to fetch the weights";

fn is_pointer(files: &Files<'_>, path: &str) -> Result<bool, Error> {
    let beginning = files.beginning(path, limits::LFS_POINTER_BYTES)?;
    Ok(std::str::from_utf8(&beginning).is_ok_and(|text| Pointer::parse(text).is_some()))
}

fn set(field: &mut String, found: Option<&str>) {
    if field.is_empty() {
        field.push_str(found.unwrap_or_default());
    }
}

fn stored(files: &Files<'_>, path: &str) -> Result<ModelFormat, Error> {
    match ModelFormat::of_name(path) {
        Some(known) => Ok(known),
        None => Ok(ModelFormat::of_content(path, &files.beginning(path, TELLING_BYTES)?)),
    }
}

/// Returns the text of the `config.json` nearest to the model, the file that transformers writes.
fn config(files: &Files<'_>, path: &str) -> Result<Option<String>, Error> {
    let mut below = path;
    while let Some((folder, _)) = below.rsplit_once('/') {
        let config = files.text(&format!("{folder}/config.json"))?;
        if config.is_some() {
            return Ok(config);
        }
        below = folder;
    }
    files.text("config.json")
}

/// Reads the headers of the model's file and of its other shards. The inner error describes the problem of one of them.
fn weights(files: &Files<'_>, model: &Model) -> Result<Result<Vec<Header>, tensors::Error>, Error> {
    let Some(format) = Format::of(&model.path) else { return Ok(Ok(Vec::new())) };
    let is_shard = |path: &&str| Format::of(path) == Some(format) && model_stem(path) == model_stem(&model.path);
    let others = model.parts.iter().map(|part| part.path.as_str()).filter(is_shard);
    // All headers together may be as long as one, so that memory stays bounded.
    let mut left = limits::TENSOR_HEADER_BYTES;
    let mut headers = Vec::new();
    for path in std::iter::once(model.path.as_str()).chain(others) {
        let (content, size) = (files.content(path)?, files.size(path));
        let mut reader = RangedReader::new(&*content, size.unwrap_or_default()).take(left);
        let header = Header::read(format, &mut reader, size);
        left = reader.limit();
        match header {
            Err(tensors::Error::Read(error)) => return Err(Error::reading(&format!("`{path}`"), error.into())),
            Err(problem) => return Ok(Err(problem)),
            Ok(header) => headers.push(header),
        }
    }
    Ok(Ok(headers))
}

/// Returns the library that the files next to the model belong to.
fn library(files: &Files<'_>, config: Option<&str>) -> Option<&'static str> {
    const MARKS: [(&str, &str); 3] = [
        ("model_index.json", "diffusers"),
        ("config_sentence_transformers.json", "sentence-transformers"),
        ("adapter_config.json", "peft"),
    ];
    let mark = MARKS.iter().find(|(name, _)| files.size(name).is_some()).map(|(_, library)| *library);
    let config: Option<Value> = config.and_then(|text| serde_json::from_str(text).ok());
    let is_of_transformers = config.is_some_and(|config| config.get("model_type").is_some());
    mark.or(is_of_transformers.then_some("transformers"))
}

/// Returns the framework that wrote the file, from the metadata key that the writers of safetensors set.
fn library_of(header: &Header) -> Option<&'static str> {
    match header.metadata.get("format")?.text()? {
        "pt" => Some("pytorch"),
        "tf" => Some("tensorflow"),
        "flax" => Some("flax"),
        "mlx" => Some("mlx"),
        "np" => Some("numpy"),
        _ => None,
    }
}

/// Returns the facts in all headers together, as parameters of the model.
fn facts(headers: &[Header], config: Option<&str>) -> Map<String, Value> {
    let Some(first) = headers.first() else { return Map::new() };
    let hyperparameters = match first.format {
        Format::Safetensors => config.and_then(Hyperparameters::of_config),
        Format::Gguf => Some(Hyperparameters::of_gguf(&first.metadata)),
    };
    let summary = Summary::new(hyperparameters.unwrap_or_default(), &headers.iter().collect::<Vec<_>>());
    let facts = facts_of(&summary, Some(first.format));
    let number = |count: Option<u64>| count.map(Value::from);
    let named = [
        ("architecture", facts.architecture.map(Value::from)),
        ("parameter_count", number(Some(summary.parameters))),
        ("precision", facts.precision.map(Value::from)),
        ("quantization", facts.quantization.map(Value::from)),
        ("context_length", number(summary.hyperparameters.context_length)),
    ];
    named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
