//! The output of `kit inspect --tensors`.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

use crate::context::Context;
use crate::output::{Format, Output, one_line, table};
use kit_core::digest::Digest;
use kit_core::limits;
use kit_core::ops::{Inspected, WeighedModel, WeightFile};
use kit_core::progress::human;
use kit_core::tensors::{self, Hyperparameters, Memory, Summary, Tensor, TypeCount};

/// Prints the models, and warns about files that could not be parsed.
pub(super) fn print(context: &Context, format: &Format, inspected: &Inspected, models: &[WeighedModel]) -> Result<()> {
    for file in models.iter().flat_map(|model| &model.files) {
        if let Err(problem) = &file.header {
            context.output.warn(&format!("skipping `{}`: {problem}", file.path));
        }
    }
    let tensors = models.iter().map(|model| model.summary.tensors).fold(0, u64::saturating_add);
    let is_listed = !matches!(format, Format::Yaml | Format::Template(_)) || tensors <= limits::TREE_ROWS as u64;
    if !is_listed {
        let limit = limits::TREE_ROWS;
        context.output.warn(&format!(
            "leaving out the lists of {tensors} tensors, as there are more than {limit}; use `--format json`"
        ));
    }
    let digest = &inspected.descriptor.digest;
    let data = ModelsData { digest, models: models.iter().map(|model| model_data(model, is_listed)).collect() };
    context.output.write(|out| format.write_document(out, &data, || render(&context.output, models)))
}

/// The models as data. The tensors are borrowed, because a tree of JSON values would take a kilobyte for each.
#[derive(Serialize)]
struct ModelsData<'a> {
    digest: &'a Digest,
    models: Vec<ModelData<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelData<'a> {
    name: &'a str,
    architecture: Option<&'a str>,
    parameters: u64,
    tensors: u64,
    types: Value,
    quantization: Option<String>,
    context_length: Option<u64>,
    vocabulary: Option<u64>,
    layers: Option<u64>,
    heads: Option<u64>,
    key_value_heads: Option<u64>,
    estimated_memory: Value,
    files: Vec<FileData<'a>>,
}

#[derive(Serialize)]
struct FileData<'a> {
    path: &'a str,
    format: tensors::Format,
    size: Option<u64>,
    layer: &'a Digest,
    offset: Option<u64>,
    problem: Option<String>,
    metadata: Option<&'a BTreeMap<String, tensors::Value>>,
    tensors: Option<&'a [Tensor]>,
}

/// The models as JSON, without the lists of their tensors.
pub(crate) fn models_to_json(models: &[WeighedModel]) -> serde_json::Result<Value> {
    models.iter().map(|model| serde_json::to_value(model_data(model, false))).collect()
}

fn model_data(model: &WeighedModel, is_listed: bool) -> ModelData<'_> {
    let Summary { hyperparameters, parameters, tensors, types, memory } = &model.summary;
    let types: Value = types
        .iter()
        .map(|TypeCount { name, tensors, size }| json!({ "name": name, "tensors": tensors, "size": size }))
        .collect();
    ModelData {
        name: &model.name,
        architecture: hyperparameters.architecture.as_deref(),
        parameters: *parameters,
        tensors: *tensors,
        types,
        quantization: hyperparameters.quantization.as_ref().map(ToString::to_string),
        context_length: hyperparameters.context_length,
        vocabulary: hyperparameters.vocabulary,
        layers: hyperparameters.layers,
        heads: hyperparameters.heads,
        key_value_heads: hyperparameters.key_value_heads,
        estimated_memory: json!({ "weights": memory.weights, "cache": memory.cache, "total": memory.total() }),
        files: model.files.iter().map(|file| file_data(file, is_listed)).collect(),
    }
}

fn file_data(file: &WeightFile, is_listed: bool) -> FileData<'_> {
    let header = file.header.as_ref();
    FileData {
        path: file.path.as_str(),
        format: file.format,
        size: file.size,
        layer: &file.layer,
        offset: file.offset,
        problem: header.err().map(ToString::to_string),
        metadata: header.ok().map(|header| &header.metadata),
        tensors: header.ok().filter(|_| is_listed).map(|header| &*header.tensors),
    }
}

fn render(output: &Output, models: &[WeighedModel]) -> String {
    if models.is_empty() {
        return "No safetensors or GGUF files\n".to_owned();
    }
    let mut rows: Vec<_> = models.iter().flat_map(|model| &model.files).map(row).collect();
    if rows.len() > 1 {
        rows.push(total(models));
    }
    let headings = ["FILE", "FORMAT", "TENSORS", "PARAMETERS", "SIZE", "TYPES"];
    let mut text = table::for_output(output, headings, &rows, (&["FORMAT", "TENSORS"], &["FILE", "TYPES"]));
    for model in models.iter().filter(|model| model.files.iter().any(|file| file.header.is_ok())) {
        text.push('\n');
        text.push_str(&describe(model));
    }
    text
}

/// The table row of a file. The number of parameters in packed weights is known only for a whole model, so the packed
/// elements are counted.
fn row(file: &WeightFile) -> [String; 6] {
    let size = file.size.map_or_else(|| UNKNOWN.to_owned(), human);
    let (path, format) = (file.path.to_string(), file.format.name().to_owned());
    let Ok(header) = &file.header else {
        return [path, format, UNKNOWN.to_owned(), UNKNOWN.to_owned(), size, UNKNOWN.to_owned()];
    };
    let summary = Summary::new(Hyperparameters::default(), &[header]);
    [path, format, summary.tensors.to_string(), short(summary.parameters), size, types(&summary)]
}

fn total(models: &[WeighedModel]) -> [String; 6] {
    let sum = |part: fn(&Summary) -> u64| models.iter().map(|model| part(&model.summary)).fold(0, u64::saturating_add);
    let sizes = models.iter().flat_map(|model| &model.files).filter_map(|file| file.size);
    let size = human(sizes.fold(0, u64::saturating_add));
    let (tensors, parameters) = (sum(|summary| summary.tensors), sum(|summary| summary.parameters));
    ["total".to_owned(), String::new(), tensors.to_string(), short(parameters), size, String::new()]
}

fn types(summary: &Summary) -> String {
    let each = summary.types.iter().map(|count| format!("{} {}", count.name, count.tensors));
    each.collect::<Vec<_>>().join(", ")
}

/// Describes a model, with one line for each known property.
fn describe(model: &WeighedModel) -> String {
    let Summary { hyperparameters, parameters, memory, .. } = &model.summary;
    let Hyperparameters { architecture, quantization, context_length, vocabulary, layers, heads, .. } = hyperparameters;
    let tokens = |count: &u64| format!("{count} tokens");
    let heads = heads.map(|heads| match hyperparameters.key_value_heads.filter(|shared| *shared != heads) {
        Some(shared) => format!("{heads}, {shared} of keys and values"),
        None => heads.to_string(),
    });
    let lines = [
        ("architecture", architecture.clone()),
        ("parameters", Some(short(*parameters))),
        ("quantisation", quantization.as_ref().map(ToString::to_string)),
        ("context length", context_length.as_ref().map(tokens)),
        ("vocabulary", vocabulary.as_ref().map(tokens)),
        ("layers", layers.map(|layers| layers.to_string())),
        ("heads", heads),
        ("memory (estimate)", Some(estimate(memory))),
    ];
    let mut text = format!("{}\n", one_line(&model.name));
    for (name, value) in lines.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        writeln!(text, "  {name:<17}   {}", one_line(&value)).expect("writing to a string does not fail");
    }
    text
}

fn estimate(memory: &Memory) -> String {
    let weights = human(memory.weights);
    match memory.cache {
        Some(cache) => {
            format!("{}: {weights} of weights, {} of cache for one full context", human(memory.total()), human(cache))
        }
        None => format!("{weights}: the weights alone"),
    }
}

const UNKNOWN: &str = "?";

/// Formats a number in thousands, millions or more, rounded down to three digits: `7.24B`.
pub(crate) fn short(count: u64) -> String {
    const UNITS: [&str; 6] = ["K", "M", "B", "T", "Q", "E"];
    if count < 1000 {
        return count.to_string();
    }
    let exponent = count.ilog10() / 3;
    let unit = 1000_u64.pow(exponent);
    let (whole, hundredths) = (count / unit, u128::from(count % unit) * 100 / u128::from(unit));
    let name = UNITS[exponent as usize - 1];
    match whole {
        0..10 => format!("{whole}.{hundredths:02}{name}"),
        10..100 => format!("{whole}.{}{name}", hundredths / 10),
        _ => format!("{whole}{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn numbers_have_three_digits() {
        for (count, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1.00K"),
            (7_241_732_096, "7.24B"),
            (12_345, "12.3K"),
            (999_999, "999K"),
            (671_026_419_200, "671B"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(short(count), expected);
        }
    }
}
