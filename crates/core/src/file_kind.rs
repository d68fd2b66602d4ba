//! File kinds by name: the suffixes that `kit init` uses.

const MODELS: &[&str] = &[
    ".safetensors",
    ".pkl",
    ".joblib",
    ".bin",
    ".pth",
    ".pt",
    ".mar",
    ".pt2",
    ".ptl",
    ".pb",
    ".ckpt",
    ".tflite",
    ".tfrecords",
    ".npy",
    ".npz",
    ".keras",
    ".h5",
    ".caffemodel",
    ".pmml",
    ".coreml",
    ".gguf",
    ".ggml",
    ".ggmf",
    ".llamafile",
    ".onnx",
    ".onnx_data",
    ".onnx.data",
    ".ubj",
    ".bst",
    ".cbm",
    ".skops",
    ".mlmodel",
    "flax_model.msgpack",
];
/// Configuration, and the files of tokenizers.
const METADATA: &[&str] =
    &[".json", ".yaml", ".xml", ".txt", ".model", ".spm", ".tiktoken", ".jinja", ".bpe", ".vocab"];
/// Metadata in formats that programs, pipelines and deployments use as well.
const GENERAL_METADATA: &[&str] = &[".yaml", ".xml", ".txt"];
/// Files of a model that cannot be used without another one: the state of a training, the projector of a multimodal
/// model, weights in a file of their own, and copies for another framework. By the beginning and the end of the name.
const SIDE_FILES: &[(&str, &str)] = &[
    ("optimizer", ".pt"),
    ("optimizer", ".bin"),
    ("scheduler", ".pt"),
    ("scheduler", ".bin"),
    ("scaler", ".pt"),
    ("rng_state", ".pth"),
    ("random_states", ".pkl"),
    ("training_args", ".bin"),
    ("mmproj", ".gguf"),
    ("", "mmproj.gguf"),
    ("", ".onnx_data"),
    ("", ".onnx.data"),
    ("", "flax_model.msgpack"),
    ("keras_metadata", ".pb"),
    ("fingerprint", ".pb"),
];
const DOCS: &[&str] = &[".md", ".adoc", ".html", ".pdf"];
const DATASETS: &[&str] =
    &[".tar", ".zip", ".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", ".arrow", ".feather", ".avro", ".orc"];
/// Archives, and compressed files.
const ARCHIVES: &[&str] =
    &[".tar", ".zip", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".tzst", ".lz4", ".7z", ".rar"];
/// Instructions for agents, by whole name.
const PROMPTS: &[&str] = &["agents.md", "skill.md", "claude.md"];
const LICENSES: &[&str] = &["license", "licence", "copying", "unlicense"];

/// Leftovers of tools, by whole name.
const LEFTOVERS: &[&str] = &[
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    "__pycache__",
    ".ipynb_checkpoints",
    ".git",
    ".svn",
    ".venv",
    "node_modules",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".cache",
];
/// Leftovers of tools, by the end of the name.
const LEFTOVER_ENDS: &[&str] = &[".pyc", ".swp", "~", ".orig"];

/// The suffix of the bundle of an MCP server.
pub(crate) const MCP_BUNDLE: &str = ".mcpb";

/// The kind of a file as its name suggests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    Readme,
    License,
    Prompt,
    Model,
    Metadata,
    Docs,
    Dataset,
    Notebook,
    McpBundle,
    Unknown,
}

impl FileKind {
    pub(super) fn of(name: &str) -> Self {
        // Upper-case letters do not matter for any other file.
        if name.ends_with(MCP_BUNDLE) {
            return Self::McpBundle;
        }
        let name = name.to_lowercase();
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        match () {
            () if name.starts_with("readme") => Self::Readme,
            () if LICENSES.iter().any(|start| name.starts_with(start)) => Self::License,
            () if PROMPTS.contains(&&*name) || name.contains(".prompt") => Self::Prompt,
            // Exporters number the files of weights beside an ONNX model: `model.onnx_data_1`.
            () if ends(MODELS) || name.contains(".onnx_data_") => Self::Model,
            // Python code needs this file to run.
            () if name.starts_with("requirements") && ends(&[".txt"]) => Self::Unknown,
            () if ends(METADATA) => Self::Metadata,
            () if ends(DOCS) => Self::Docs,
            () if ends(DATASETS) => Self::Dataset,
            () if ends(&[".ipynb"]) => Self::Notebook,
            () => Self::Unknown,
        }
    }
}

/// Returns true for the name of a file that contains a model or a part of its weights.
pub fn is_model_file(name: &str) -> bool {
    FileKind::of(name) == FileKind::Model
}

/// Returns true for the name of a file that contains data.
pub(crate) fn is_data_file(name: &str) -> bool {
    FileKind::of(name) == FileKind::Dataset
}

/// Returns true for the name of an archive or of a compressed file.
pub(crate) fn is_archive_file(name: &str) -> bool {
    let name = name.to_lowercase();
    ARCHIVES.iter().any(|end| name.ends_with(end))
}

/// Returns true if the name ends with a dot and `extension`, in upper or lower case.
pub(super) fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, own)| own.eq_ignore_ascii_case(extension))
}

/// Returns true for the name of a file of weights that is of no use without another file of the model.
pub(super) fn is_side_file(name: &str) -> bool {
    let name = name.to_lowercase();
    let is_listed = |(start, end): &(&str, &str)| name.starts_with(start) && name.ends_with(end);
    name.contains(".onnx_data_") || SIDE_FILES.iter().any(is_listed)
}

/// Returns true for the name of a file of metadata that only models have, or data in the same format.
pub(super) fn is_model_metadata(name: &str) -> bool {
    let name = name.to_lowercase();
    FileKind::of(&name) == FileKind::Metadata && !GENERAL_METADATA.iter().any(|end| name.ends_with(end))
}

/// Returns true for the name of a file that contains a licence.
pub fn is_license_file(name: &str) -> bool {
    FileKind::of(name) == FileKind::License
}

/// Returns true for the name of a file or folder that is a leftover of a tool and of no use to others.
pub fn is_leftover(name: &str) -> bool {
    LEFTOVERS.contains(&name) || LEFTOVER_ENDS.iter().any(|end| name.ends_with(end))
}

/// The path of a file of weights without its extension and without the number of a shard, as in
/// `model-00001-of-00009.safetensors`.
pub fn model_stem(path: &str) -> &str {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    Shard::of(path).map_or(stem, |shard| shard.stem)
}

/// The parts of the path of a shard, which is one of the files of a large model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard<'a> {
    /// The path before the number.
    pub stem: &'a str,
    /// The number of the shard, from 1; some programs count from 0.
    pub number: u32,
    /// The number of shards.
    pub count: u32,
    /// The extension, with its dot.
    pub extension: &'a str,
}

impl<'a> Shard<'a> {
    /// Returns the parts of `path`, if it is that of a shard.
    pub fn of(path: &'a str) -> Option<Self> {
        let (stem, extension) = path.rfind('.').map_or((path, ""), |dot| path.split_at(dot));
        let (rest, count) = stem.rsplit_once("-of-")?;
        let (stem, number) = rest.rsplit_once('-')?;
        let parse = |text: &str| {
            let is_number = text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_number)
        };
        Some(Self { stem, number: parse(number)?, count: parse(count)?, extension })
    }

    /// Returns the path of the shard `number` of the same model.
    pub fn sibling(&self, number: u32) -> String {
        let Self { stem, count, extension, .. } = self;
        format!("{stem}-{number:05}-of-{count:05}{extension}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_have_the_name_of_their_model() {
        for (path, expected) in [
            ("a/model-00001-of-00009.safetensors", "a/model"),
            ("model-00002-of-00009.gguf", "model"),
            ("a/model-v1-of-2.gguf", "a/model-v1-of-2"),
            ("adapter_model.safetensors", "adapter_model"),
        ] {
            assert_eq!(model_stem(path), expected);
        }
    }

    #[test]
    fn a_shard_names_its_siblings() {
        let shard = Shard::of("a/m-00002-of-00009.gguf").unwrap();
        assert_eq!((shard.number, shard.count, &*shard.sibling(10)), (2, 9, "a/m-00010-of-00009.gguf"));
        for path in ["m.gguf", "m-2-of-9.gguf", "m-0000x-of-00009.gguf", "00001-of-00002.gguf"] {
            assert_eq!(Shard::of(path), None, "{path}");
        }
    }
}
