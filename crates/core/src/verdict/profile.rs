//! The facts of one version: the headers of its weights, and its small files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::relative_path::RelativePath;
use crate::tensors::{Header, Summary};

/// The facts of one version, as far as they were read.
#[derive(Debug, Default)]
pub struct Profile {
    /// The models with headers; `None` if the headers were not read.
    pub models: Option<Vec<ModelProfile>>,
    /// The texts of the small files that [`is_document`] selects.
    pub documents: BTreeMap<RelativePath, String>,
    /// The imports of pickles that are not known to be harmless, by file.
    pub pickles: BTreeMap<RelativePath, BTreeSet<String>>,
    /// The facts that could not be read, and why.
    pub unread: Vec<String>,
}

/// The facts of one model.
#[derive(Debug)]
pub struct ModelProfile {
    /// The path, without the number of a shard and the extension.
    pub name: String,
    /// The name of the format.
    pub format: &'static str,
    /// The paths of its files.
    pub files: Vec<RelativePath>,
    /// A summary of the headers.
    pub summary: Summary,
    /// The headers of its files.
    pub headers: Vec<Header>,
}

/// The names of the files that are read. Deployment files are read as well.
const DOCUMENTS: [&str; 24] = [
    ".python-version",
    "MLmodel",
    "Pipfile.lock",
    "adapter_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "conda.yaml",
    "config.json",
    "environment.yaml",
    "environment.yml",
    "generation_config.json",
    "pdm.lock",
    "poetry.lock",
    "pylock.toml",
    "pyproject.toml",
    "python_env.yaml",
    "requirements.lock",
    "requirements.txt",
    "runtime.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "uv.lock",
    "vocab.json",
];

/// Returns true if the file `path` is read for the comparison.
pub fn is_document(path: &RelativePath) -> bool {
    path.file_name().is_some_and(|name| DOCUMENTS.contains(&name))
}

impl Profile {
    /// The documents called `name`, by their path.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a RelativePath, &'a str)> {
        let is_named = move |path: &RelativePath| path.file_name() == Some(name);
        self.documents.iter().filter(move |(path, _)| is_named(path)).map(|(path, text)| (path, text.as_str()))
    }
}

/// A document of both versions, one of which may lack it.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    /// The path in the second version, or else in the first.
    pub(super) path: &'a RelativePath,
    pub(super) before: Option<&'a str>,
    pub(super) after: Option<&'a str>,
}

/// Pairs the documents called `name` by path. If each version has exactly one, at different paths, it was moved.
pub(super) fn pairs<'a>((before, after): (&'a Profile, &'a Profile), name: &'a str) -> Vec<Pair<'a>> {
    let (one, other): (Vec<_>, Vec<_>) = (before.named(name).collect(), after.named(name).collect());
    if let ([(_, before)], [(path, after)]) = (&one[..], &other[..]) {
        return vec![Pair { path, before: Some(before), after: Some(after) }];
    }
    let mut pairs: BTreeMap<&RelativePath, Pair<'_>> = BTreeMap::new();
    for (path, text) in one {
        pairs.insert(path, Pair { path, before: Some(text), after: None });
    }
    for (path, text) in other {
        pairs.entry(path).or_insert(Pair { path, before: None, after: None }).after = Some(text);
    }
    pairs.into_values().collect()
}

impl Pair<'_> {
    /// Both as JSON; `Null` for one that does not exist or is not JSON.
    pub(super) fn json(&self) -> (Value, Value) {
        let parse = |text: Option<&str>| text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        (parse(self.before), parse(self.after))
    }
}
