//! Weights in several files (shards), of which some are missing, as after an interrupted download. The names of shards
//! contain their number, and an index may list them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::suspects::Suspects;
use crate::archive::LayerSource;
use crate::file_kind::Shard;
use crate::ops::refused::{Empty, Lack};
use crate::relative_path::RelativePath;
use crate::sys;

/// The size up to which an index is read. Those of the largest public models have about 10 MB.
const INDEX_BYTES: u64 = 64 * 1024 * 1024;

/// The part of an index that lists the files, for example of `model.safetensors.index.json` or
/// `pytorch_model.bin.index.json` (Hugging Face transformers, "Sharded checkpoints").
#[derive(Deserialize)]
struct Index {
    /// The file of each tensor, beside the index.
    weight_map: BTreeMap<String, String>,
}

/// Returns true for the name of an index of shards.
pub(super) fn is_shard_index(name: &str) -> bool {
    name.ends_with(".index.json")
}

/// Returns the models in a layer of which shards are missing in the folder. A model in several layers is returned for
/// only one of them.
pub(super) fn incomplete(source: &LayerSource<'_>, suspects: &Suspects) -> Vec<Empty> {
    let exists = |path: &RelativePath| path.join_to(source.root).exists();
    let by_name = suspects.weights.iter().filter_map(|(path, _)| missing_by_name(path, exists));
    let by_index = suspects.indexes.iter().filter_map(|(path, _)| {
        // An index that cannot be read or parsed is not a finding: other files may have such a name.
        let text = sys::read_regular(&path.join_to(source.root), INDEX_BYTES).ok()?;
        missing_by_index(path, &text, exists)
    });
    by_name.chain(by_index).collect()
}

/// Returns the finding about the shards that are missing beside the shard at `path`, by the numbers in their names. Of
/// the shards that exist, only the first one is reported.
pub(super) fn missing_by_name(path: &RelativePath, exists: impl Fn(&RelativePath) -> bool) -> Option<Empty> {
    let shard = Shard::of(path.as_str())?;
    if first_of(&shard, &exists) != Some(shard.number) {
        return None;
    }
    let last = if shard.number == 0 { shard.count.saturating_sub(1) } else { shard.count };
    let numbers = shard.number.min(1)..=last;
    finding(path, numbers.filter_map(|number| shard.sibling(number).parse().ok()).filter(|other| !exists(other)))
}

/// Returns the number of the first shard that exists. Programs count from 1, a few of them from 0.
fn first_of(shard: &Shard<'_>, exists: impl Fn(&RelativePath) -> bool) -> Option<u32> {
    (0..=shard.count).find(|number| shard.sibling(*number).parse().is_ok_and(|path| exists(&path)))
}

/// Returns the finding about the files that the index at `path` lists and that are missing beside it.
///
/// An index of which no file exists belongs to weights in another format, which were not downloaded.
fn missing_by_index(path: &RelativePath, text: &[u8], exists: impl Fn(&RelativePath) -> bool) -> Option<Empty> {
    let Index { weight_map } = serde_json::from_slice(text).ok()?;
    let folder = path.parent()?;
    let names: BTreeSet<_> = weight_map.values().collect();
    let files = names.into_iter().filter_map(|name| folder.child(name).ok());
    let (there, missing): (Vec<_>, Vec<_>) = files.partition(&exists);
    // Shards of which another one exists are reported by their names.
    let is_reported =
        |path: &RelativePath| Shard::of(path.as_str()).is_some_and(|shard| first_of(&shard, &exists).is_some());
    if there.is_empty() { None } else { finding(path, missing.into_iter().filter(|path| !is_reported(path))) }
}

fn finding(path: &RelativePath, mut missing: impl Iterator<Item = RelativePath>) -> Option<Empty> {
    let first = missing.next()?;
    Some(Empty { path: path.clone(), lack: Lack::Shards { first, more: missing.count() } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, there: &[&str], expected: Option<(&str, usize)>) {
        let exists = |path: &RelativePath| there.contains(&path.as_str());
        let path = path.parse().unwrap();
        let found = missing_by_name(&path, exists).or_else(|| missing_by_index(&path, text.as_bytes(), exists));
        let found = found.map(|empty| match empty.lack {
            Lack::Shards { first, more } => (first.to_string(), more),
            lack => panic!("{lack}"),
        });
        assert_eq!(found, expected.map(|(first, more)| (first.to_owned(), more)), "{path} {text} {there:?}");
    }

    #[test]
    fn shards_are_missing_by_their_numbers() {
        let shards = ["a/m-00001-of-00003.gguf", "a/m-00002-of-00003.gguf", "a/m-00003-of-00003.gguf"];
        check(shards[0], "", &shards, None);
        check(shards[0], "", &shards[..1], Some((shards[1], 1)));
        check(shards[1], "", &shards[..2], None);
        check(shards[2], "", &shards[2..], Some((shards[0], 1)));
        check("m.gguf", "", &["m.gguf"], None);
        // Counted from 0.
        let shards = ["m-00000-of-00002.bin", "m-00001-of-00002.bin"];
        check(shards[0], "", &shards, None);
        check(shards[0], "", &shards[..1], Some((shards[1], 0)));
        check(shards[1], "", &shards, None);
    }

    #[test]
    fn files_are_missing_by_an_index() {
        let index = "a/model.safetensors.index.json";
        let text = r#"{"metadata": {"total_size": 9}, "weight_map": {"x": "b.bin", "y": "c.bin", "z": "b.bin"}}"#;
        check(index, text, &["a/b.bin", "a/c.bin"], None);
        check(index, text, &["a/b.bin", "c.bin"], Some(("a/c.bin", 0)));
        check(index, text, &["a/model.safetensors"], None);
        for other in ["", "{}", "[]", r#"{"weight_map": 3}"#, r#"{"weight_map": {"x": "../b"}}"#] {
            check(index, other, &["a/b.bin"], None);
        }
        let text = r#"{"weight_map": {"x": "m-00001-of-00002.bin", "y": "m-00002-of-00002.bin"}}"#;
        check(index, text, &["a/m-00001-of-00002.bin"], None);
    }
}
