//! What the name of a file says about it: the suffixes that `kit init` goes by.

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
];
/// Configuration, and what a tokenizer is made of.
const METADATA: &[&str] = &[".json", ".yaml", ".xml", ".txt", ".model", ".spm", ".tiktoken", ".jinja"];
const DOCS: &[&str] = &[".md", ".adoc", ".html", ".pdf"];
const DATASETS: &[&str] =
    &[".tar", ".zip", ".parquet", ".csv", ".tsv", ".jsonl", ".ndjson", ".arrow", ".feather", ".avro", ".orc"];
/// Texts for agents that go by their whole names.
const PROMPTS: &[&str] = &["agents.md", "skill.md", "claude.md"];
const LICENSES: &[&str] = &["license", "licence", "copying", "unlicense"];

/// What tools leave behind, as whole names.
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
/// The same, as ends of names.
const LEFTOVER_ENDS: &[&str] = &[".pyc", ".swp", "~", ".orig"];

/// What a file's name says about it.
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
    Unknown,
}

impl FileKind {
    pub(super) fn of(name: &str) -> Self {
        let name = name.to_lowercase();
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        match () {
            () if name.starts_with("readme") => Self::Readme,
            () if LICENSES.iter().any(|start| name.starts_with(start)) => Self::License,
            () if PROMPTS.contains(&&*name) || name.contains(".prompt") => Self::Prompt,
            () if ends(MODELS) => Self::Model,
            // What Python code needs to run.
            () if name.starts_with("requirements") && ends(&[".txt"]) => Self::Unknown,
            () if ends(METADATA) => Self::Metadata,
            () if ends(DOCS) => Self::Docs,
            () if ends(DATASETS) => Self::Dataset,
            () if ends(&[".ipynb"]) => Self::Notebook,
            () => Self::Unknown,
        }
    }
}

/// Whether a file with this name holds a model or a part of its weights.
pub fn is_model_file(name: &str) -> bool {
    FileKind::of(name) == FileKind::Model
}

/// Whether a file with this name holds a licence.
pub fn is_license_file(name: &str) -> bool {
    FileKind::of(name) == FileKind::License
}

/// Whether a file or folder of this name is what a tool left behind, of no use to anybody else.
pub fn is_leftover(name: &str) -> bool {
    LEFTOVERS.contains(&name) || LEFTOVER_ENDS.iter().any(|end| name.ends_with(end))
}
