//! Compares the headers of weights: tensors, formats, number types, and the memory that serving takes.

use std::collections::BTreeMap;

use super::comparison::{Area, Change, Comparison};
use super::documents::hyperparameters;
use super::fact::{Fact, Level};
use super::profile::ModelProfile;
use super::reason::Reason;
use super::words::{arrow, counted, listed};
use crate::progress::human;
use crate::tensors::{Format, Tensor, Value};

/// The growth of memory that a deployment is expected to have reserves for.
const MEMORY_RESERVE_PERCENT: i128 = 10;

pub(super) fn compare(comparison: &Comparison<'_>) -> Vec<Reason> {
    let mut reasons = weights(comparison);
    let (Some(before), Some(after)) = (&comparison.before.models, &comparison.after.models) else { return reasons };
    for (before, after) in pair(before, after) {
        match (before, after) {
            (Some(before), Some(after)) => reasons.extend(compare_one(before, after)),
            (Some(before), None) => {
                reasons.push(Reason::of_file(Fact::Tensors, Level::Breaking, &place(before), "the model was removed"));
            }
            (None, Some(after)) => {
                reasons.push(Reason::of_file(Fact::Tensors, Level::Changed, &place(after), "a model was added"));
            }
            (None, None) => {}
        }
    }
    reasons.extend(memory(before, after));
    reasons
}

/// Pairs the models by name and format, then by name. If each version has one model, that is a pair.
fn pair<'a>(
    before: &'a [ModelProfile],
    after: &'a [ModelProfile],
) -> Vec<(Option<&'a ModelProfile>, Option<&'a ModelProfile>)> {
    if let ([before], [after]) = (before, after) {
        return vec![(Some(before), Some(after))];
    }
    let mut left: Vec<_> = before.iter().collect();
    let mut pairs = Vec::new();
    for after in after {
        let same = |before: &&ModelProfile| before.name == after.name && before.format == after.format;
        let at = left.iter().position(same).or_else(|| left.iter().position(|before| before.name == after.name));
        pairs.push((at.map(|at| left.remove(at)), Some(after)));
    }
    pairs.extend(left.into_iter().map(|before| (Some(before), None)));
    pairs
}

/// The path of the first file of a model, as far as its name is known.
fn place(model: &ModelProfile) -> String {
    model.files.first().map_or_else(|| model.name.clone(), ToString::to_string)
}

fn compare_one(before: &ModelProfile, after: &ModelProfile) -> Vec<Reason> {
    let path = &place(after);
    if before.format != after.format {
        let text = arrow(Some(before.format), Some(after.format));
        return vec![Reason::of_file(Fact::Format, Level::Breaking, path, text)];
    }
    let mut reasons: Vec<_> = tensors(before, after).into_iter().collect();
    let types = |model: &ModelProfile| {
        let names: Vec<_> = model.summary.types.iter().map(|count| count.name).collect();
        names.join(", ")
    };
    if types(before) != types(after) {
        let text = arrow(Some(types(before)), Some(types(after)));
        reasons.push(Reason::of_file(Fact::Precision, Level::Changed, path, text));
    }
    // What safetensors files lack is in the config.json, which is compared by itself.
    if after.format == Format::Gguf.name() {
        reasons.extend(hyperparameters(path, &before.summary.hyperparameters, &after.summary.hyperparameters));
        reasons.extend(metadata(before, after));
    }
    reasons
}

fn tensors(before: &ModelProfile, after: &ModelProfile) -> Option<Reason> {
    let (one, other) = (by_name(before), by_name(after));
    let removed = one.keys().filter(|name| !other.contains_key(*name)).map(|name| format!("{name} removed"));
    let removed: Vec<_> = removed.collect();
    let reshaped: Vec<_> = one
        .iter()
        .filter_map(|(name, tensor)| {
            let new = other.get(name).filter(|new| new.shape != tensor.shape)?;
            Some(format!("{name} {:?} → {:?}", tensor.shape, new.shape))
        })
        .collect();
    let added: Vec<_> =
        other.keys().filter(|name| !one.contains_key(*name)).map(|name| format!("{name} added")).collect();
    let changes = [removed, reshaped, added].concat();
    let text = format!("{}: {}", counted(changes.len(), "tensor"), listed(&changes));
    (!changes.is_empty()).then(|| Reason::of_file(Fact::Tensors, Level::Breaking, &place(after), text))
}

fn by_name(model: &ModelProfile) -> BTreeMap<&str, &Tensor> {
    model.headers.iter().flat_map(|header| &header.tensors).map(|tensor| (&*tensor.name, tensor)).collect()
}

/// Compares what a GGUF file says about its tokenizer (ggml, `docs/gguf.md`, "Tokenizer").
fn metadata(before: &ModelProfile, after: &ModelProfile) -> Vec<Reason> {
    const TEMPLATE: &str = "tokenizer.chat_template";
    let of = |model: &ModelProfile| -> BTreeMap<String, Value> {
        let all = model.headers.iter().flat_map(|header| &header.metadata);
        let tokenizer = all.filter(|(key, _)| key.starts_with("tokenizer."));
        tokenizer.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let (one, other) = (of(before), of(after));
    let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
    let mut reasons = Vec::new();
    for key in keys.filter(|key| one.get(*key) != other.get(*key)) {
        let is_kept = !one.contains_key(key) || other.contains_key(key);
        let fact = match &**key {
            TEMPLATE => Fact::ChatTemplate,
            key if key.ends_with("_token_id") => Fact::SpecialTokens,
            _ => Fact::Tokenizer,
        };
        let level = if fact == Fact::ChatTemplate && is_kept { Level::Changed } else { Level::Breaking };
        reasons.push(Reason::of_file(fact, level, &place(after), format!("`{key}` differs")));
    }
    reasons
}

fn memory(before: &[ModelProfile], after: &[ModelProfile]) -> Option<Reason> {
    let total =
        |models: &[ModelProfile]| models.iter().map(|model| model.summary.memory.total()).fold(0, u64::saturating_add);
    let (one, other) = (total(before), total(after));
    let difference = i128::from(other) - i128::from(one);
    let percent = (difference * 100).checked_div(i128::from(one))?;
    // Less than one percent does not change anything.
    if percent == 0 {
        return None;
    }
    let size = human(u64::try_from(difference.unsigned_abs()).unwrap_or(u64::MAX));
    let sign = if difference < 0 { '−' } else { '+' };
    let level = if percent > MEMORY_RESERVE_PERCENT { Level::Breaking } else { Level::Changed };
    let text = format!("{} → {} ({sign}{size}, {percent:+} %)", human(one), human(other));
    after.first().map(|model| Reason::of_file(Fact::Memory, level, &place(model), text))
}

/// The files of weights whose bytes differ.
fn weights(comparison: &Comparison<'_>) -> Vec<Reason> {
    let is_meant = |change| matches!(change, Change::Changed | Change::Unread | Change::Added | Change::Removed);
    let files = comparison.files.iter().filter(|file| is_meant(file.change) && has_weights(file.path));
    let mut changes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in files {
        let text = match file.change {
            Change::Added => "added",
            Change::Removed => "removed",
            Change::Unread => "of the same size, not read",
            Change::Changed | Change::Same => "with other bytes",
        };
        changes.entry(text).or_default().push(file.path.as_str());
    }
    let reason = |(text, paths): (&str, Vec<&str>)| {
        let text = format!("{} {text}", counted(paths.len(), "file"));
        Reason::of_file(Fact::Weights, Level::Changed, paths[0], text)
    };
    changes.into_iter().map(reason).collect()
}

/// Returns true for files of weights, whatever their format.
fn has_weights(path: &crate::relative_path::RelativePath) -> bool {
    const ENDINGS: [&str; 14] = [
        "bin",
        "ckpt",
        "gguf",
        "h5",
        "joblib",
        "keras",
        "npz",
        "onnx",
        "pb",
        "pickle",
        "pkl",
        "pt",
        "pth",
        "safetensors",
    ];
    let ending = path.file_name().and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending);
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

/// The weights whose headers are not understood.
pub(super) fn unknown(comparison: &Comparison<'_>) -> Vec<String> {
    let is_opaque = |path: &crate::relative_path::RelativePath| {
        has_weights(path) && path.file_name().and_then(Format::of).is_none()
    };
    let is_meant = |change| matches!(change, Change::Changed | Change::Unread | Change::Added);
    let files = comparison.files.iter().filter(|file| file.area == Area::Model && is_meant(file.change));
    let paths: Vec<_> = files.filter(|file| is_opaque(file.path)).map(|file| file.path.to_string()).collect();
    let text = |paths: &[String]| {
        format!("tensors, shapes and memory of {}: only safetensors and GGUF headers are read", listed(paths))
    };
    (!paths.is_empty()).then(|| text(&paths)).into_iter().collect()
}
