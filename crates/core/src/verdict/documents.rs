//! Compares the `config.json` of the transformers library, and the configuration of adapters.

use serde_json::Value;

use super::fact::{Fact, Level};
use super::profile::{Pair, Profile, pairs};
use super::reason::Reason;
use super::words::arrow;
use crate::tensors::Hyperparameters;

pub(super) fn compare(sides: (&Profile, &Profile)) -> Vec<Reason> {
    let configs = pairs(sides, "config.json").into_iter().flat_map(|pair| config(&pair));
    configs.chain(pairs(sides, "adapter_config.json").iter().filter_map(adapter)).collect()
}

fn config(pair: &Pair<'_>) -> Vec<Reason> {
    let path = pair.path.as_str();
    let (Some(before), Some(after)) = (pair.before, pair.after) else { return Vec::new() };
    let read = |text| Hyperparameters::of_config(text).unwrap_or_default();
    hyperparameters(path, &read(before), &read(after))
}

/// Compares what a configuration or the metadata of a GGUF file says about a model.
pub(super) fn hyperparameters(path: &str, before: &Hyperparameters, after: &Hyperparameters) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if before.architecture != after.architecture {
        let text = arrow(before.architecture.as_ref(), after.architecture.as_ref());
        reasons.push(Reason::of_file(Fact::Architecture, Level::Breaking, path, text));
    }
    if before.context_length != after.context_length {
        let is_shorter = after.context_length < before.context_length;
        let level = if is_shorter { Level::Breaking } else { Level::Changed };
        let text = format!("{} tokens", arrow(before.context_length, after.context_length));
        reasons.push(Reason::of_file(Fact::ContextLength, level, path, text));
    }
    if before.quantization != after.quantization {
        let text = arrow(before.quantization.as_ref(), after.quantization.as_ref());
        reasons.push(Reason::of_file(Fact::Quantization, Level::Breaking, path, text));
    }
    reasons
}

fn adapter(pair: &Pair<'_>) -> Option<Reason> {
    let (before, after) = pair.json();
    let base = |config: &Value| config["base_model_name_or_path"].as_str().map(str::to_owned);
    let (before, after) = (base(&before), base(&after));
    let text = arrow(before.as_ref(), after.as_ref());
    (before != after).then(|| Reason::of_file(Fact::BaseModel, Level::Breaking, pair.path.as_str(), text))
}
