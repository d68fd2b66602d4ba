//! The choice of the model among several files of weights.

use crate::file_kind::{has_extension, is_side_file, model_stem};
use crate::kitfile::{Model, ModelPart};

/// The shortest name that several files may have in common.
const SHORTEST_NAME: usize = 3;

/// The model among the files that may be one: the only one, the one that is much larger than the others, the last
/// checkpoint of a training, or else the first; the others are its parts. The shards of one model count as one file.
/// Files that are of no use by themselves are only chosen if there is nothing else.
pub(super) fn model_of(files: &[(String, u64)]) -> Option<Model> {
    let usable: Vec<_> = files.iter().filter(|(path, _)| !is_side_file(file_name(path))).collect();
    let candidates = preferred(if usable.is_empty() { files.iter().collect() } else { usable });
    let (path, is_named) = chosen(&candidates)?;
    let others = files.iter().filter(|(other, _)| *other != path);
    let parts = others.map(|(path, _)| ModelPart { path: path.clone(), ..ModelPart::default() }).collect();
    let name = if is_named { model_stem(&path).to_owned() } else { family(&candidates).unwrap_or_default() };
    Some(Model { name, path, parts, ..Model::default() })
}

/// The formats of pickles, which hold any object of Python, not only models.
const PICKLES: [&str; 3] = ["pkl", "pickle", "joblib"];
/// The formats of arrays.
const ARRAYS: [&str; 2] = ["npy", "npz"];
/// Words in the names of objects that prepare the input of a model.
const HELPERS: [&str; 10] =
    ["features", "feature", "scaler", "encoder", "vectorizer", "preprocessor", "imputer", "columns", "labels", "tfidf"];

/// The candidates without those that rarely are the model: pickles beside safetensors, and pickles and arrays with the
/// names of helpers, such as `scaler.pkl`. All of them if nothing else is there.
fn preferred(candidates: Vec<&(String, u64)>) -> Vec<&(String, u64)> {
    let has = |path: &str, extensions: &[&str]| extensions.iter().any(|extension| has_extension(path, extension));
    let has_safetensors = candidates.iter().any(|(path, _)| has(path, &["safetensors"]));
    let is_helper = |path: &str| {
        let name = file_name(path).to_lowercase();
        name.split(['.', '-', '_']).any(|word| HELPERS.contains(&word)) && (has(path, &PICKLES) || has(path, &ARRAYS))
    };
    let is_other = |path: &str| is_helper(path) || has_safetensors && has(path, &PICKLES);
    let models: Vec<_> = candidates.iter().copied().filter(|(path, _)| !is_other(path)).collect();
    if models.is_empty() { candidates } else { models }
}

/// The path of the model, and true if the model has its name.
fn chosen(candidates: &[&(String, u64)]) -> Option<(String, bool)> {
    let mut sizes: Vec<(&str, u128)> = Vec::new();
    for (path, size) in candidates {
        match sizes.iter_mut().find(|(name, _)| *name == name_of(path)) {
            Some((_, sum)) => *sum += u128::from(*size),
            None => sizes.push((name_of(path), u128::from(*size))),
        }
    }
    let count = u128::try_from(sizes.len()).ok().filter(|count| *count > 0)?;
    let mean = sizes.iter().map(|(_, size)| size).sum::<u128>() / count;
    let largest = sizes.iter().rev().max_by_key(|(_, size)| *size);
    let chosen = largest.filter(|(_, size)| count == 1 || size * 2 > mean * 3).map(|(name, _)| *name);
    let paths = || candidates.iter().map(|(path, _)| path);
    match chosen.or_else(|| last_checkpoint(candidates)) {
        Some(chosen) => paths().find(|path| chosen == name_of(path)).map(|path| (path.clone(), true)),
        None => paths().min_by_key(|path| path.matches('/').count()).map(|path| (path.clone(), false)),
    }
}

/// The last of the checkpoints that Lightning wrote, if there is nothing else: `last.ckpt`, or the one with the most
/// steps, as in `epoch=3-step=400.ckpt`.
fn last_checkpoint<'a>(candidates: &[&'a (String, u64)]) -> Option<&'a str> {
    let step = |path: &str| -> Option<u64> {
        let stem = file_name(path).strip_suffix(".ckpt")?;
        if stem == "last" {
            return Some(u64::MAX);
        }
        stem.rsplit_once("step=")?.1.split(|sign: char| !sign.is_ascii_digit()).next()?.parse().ok()
    };
    let steps: Option<Vec<_>> = candidates.iter().map(|(path, _)| Some((step(path)?, path.as_str()))).collect();
    steps?.into_iter().max_by_key(|(step, _)| *step).map(|(_, path)| name_of(path))
}

/// The common name of the quantizations of one model, as in `net-Q4_K_M.gguf` and `net-Q8_0.gguf`.
fn family(candidates: &[&(String, u64)]) -> Option<String> {
    let names: Option<Vec<_>> = candidates.iter().map(|(path, _)| file_name(path).strip_suffix(".gguf")).collect();
    let names = names?;
    let (first, others) = names.split_first()?;
    let is_common = |end: &usize| others.iter().all(|other| other.get(..*end) == first.get(..*end));
    let end = (0..=first.len()).rev().filter(|end| first.is_char_boundary(*end)).find(is_common)?;
    // The common letters of the quantizations, such as the Q in Q4_0 and Q8_0, belong to none of the names.
    let end = first[..end].rfind(['-', '.', '_'])?;
    let name = first[..end].trim_end_matches(['-', '.', '_']);
    (name.len() >= SHORTEST_NAME).then(|| name.to_owned())
}

/// The common name of shards: path and extension, without their numbers.
fn name_of(path: &str) -> &str {
    let stem = model_stem(path);
    if path[stem.len()..].contains("-of-") { stem } else { path }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
