//! Folders that belong to a model as a whole, and the checkpoints of a training.

use super::found::Found;
use super::rules::sorted;
use crate::file_kind::{FileKind, has_extension, is_model_metadata, is_side_file};

/// Files that only a model folder has: a pipeline of diffusers, an adapter of PEFT, a `SavedModel` of TensorFlow, a
/// model of MLflow, a checkpoint of the trainer of transformers.
const MARKS: [&str; 5] = ["model_index.json", "adapter_config.json", "saved_model.pb", "MLmodel", "trainer_state.json"];
/// The ends of file names that a folder has beside the weights if it is a model folder.
const BESIDE_WEIGHTS: [&str; 3] = ["config.json", "tokenizer.json", ".index.json"];
/// The ends of the names of folders that are a model (Core ML).
const PACKAGES: [&str; 2] = [".mlpackage", ".mlmodelc"];
/// Extensions that nothing but weights has.
const WEIGHTS: [&str; 9] = [".safetensors", ".gguf", ".onnx", ".ckpt", ".pt", ".pth", ".keras", ".joblib", ".mlmodel"];

/// Returns true for a folder that belongs to a model with all of its content.
pub(super) fn is_model_folder(name: &str, content: &[Found]) -> bool {
    let has = |is_wanted: &dyn Fn(&str) -> bool| content.iter().any(|found| found.is_file() && is_wanted(&found.name));
    let is_package = PACKAGES.iter().any(|end| name.ends_with(end)) && !content.is_empty();
    let is_marked = has(&|name| MARKS.contains(&name));
    let has_config = || has(&|name| BESIDE_WEIGHTS.iter().any(|end| name.ends_with(end)));
    is_package || is_marked || has_config() && has_weights(content) && has_only_model_files(content)
}

/// Returns true for a folder with nothing but JSON and the files of tokenizers, which is not code.
pub(super) fn is_metadata_folder(content: &[Found]) -> bool {
    let items = sorted(content);
    let is_text = |name: &str| has_extension(name, "txt");
    let has_own = items.iter().any(|found| found.is_file() && is_model_metadata(&found.name));
    has_own && items.iter().all(|found| found.is_file() && (is_model_metadata(&found.name) || is_text(&found.name)))
}

/// Returns true for a file that can only be weights.
pub(super) fn is_weights(name: &str) -> bool {
    let name = name.to_lowercase();
    WEIGHTS.iter().any(|end| name.ends_with(end))
}

/// Returns true for a folder with a file that can only be weights, at any depth.
pub(super) fn has_weights(content: &[Found]) -> bool {
    let has = |found: &Found| found.content().map_or(found.is_file() && is_weights(&found.name), has_weights);
    content.iter().any(has) || content.iter().any(|found| found.is_file() && found.name == "pytorch_model.bin")
}

/// Returns true if the folder contains only models, metadata and documents, at any depth. A folder that is listed as
/// empty may contain anything.
fn has_only_model_files(content: &[Found]) -> bool {
    let is_fine = |name: &str| {
        matches!(FileKind::of(name), FileKind::Model | FileKind::Metadata | FileKind::Readme | FileKind::License)
    };
    let items = sorted(content);
    !items.is_empty() && items.iter().all(|found| found.content().map_or(is_fine(&found.name), has_only_model_files))
}

/// Returns the items of a folder without the checkpoints of a training that are not its result, and the names of
/// those: all if the final model is beside them, and otherwise all but the last one.
pub(super) fn without_checkpoints(content: &[Found]) -> (Vec<&Found>, Vec<&Found>) {
    let items = sorted(content);
    let last = items.iter().filter_map(|found| step(found)).max();
    let is_final =
        |found: &&Found| found.is_file() && FileKind::of(&found.name) == FileKind::Model && !is_side_file(&found.name);
    let kept = if items.iter().copied().any(|found| is_final(&found)) { None } else { last };
    items.into_iter().partition(|found| step(found).is_none_or(|step| Some(step) == kept))
}

/// Returns the folder of the checkpoint that contains the file at `path`.
pub(super) fn checkpoint_of(path: &str) -> Option<&str> {
    let is_number = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let mut end = 0;
    for name in path.split('/') {
        end += name.len() + 1;
        if end < path.len() && name.strip_prefix("checkpoint-").is_some_and(is_number) {
            return Some(&path[..end - 1]);
        }
    }
    None
}

/// Returns the number of a checkpoint: a folder `checkpoint-NUMBER` (transformers, `PREFIX_CHECKPOINT_DIR`).
fn step(found: &Found) -> Option<u64> {
    let number = found.name.strip_prefix("checkpoint-")?;
    let is_checkpoint = |content: &[Found]| {
        content.iter().any(|found| found.name == "trainer_state.json" || FileKind::of(&found.name) == FileKind::Model)
    };
    found.content().filter(|content| is_checkpoint(content))?;
    number.parse().ok()
}
