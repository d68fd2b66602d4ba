//! Names of files that are searched for secrets, and of files that are not.

use crate::file_kind::{is_data_file, is_model_file};

/// Returns true for names of binary files, which need not be opened.
pub(super) fn is_binary_name(name: &str) -> bool {
    const ENDS: [&str; 24] = [
        "safetensors",
        "gguf",
        "onnx",
        "npy",
        "npz",
        "parquet",
        "arrow",
        "feather",
        "h5",
        "tfrecord",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "webp",
        "bmp",
        "tif",
        "tiff",
        "wav",
        "mp3",
        "flac",
        "mp4",
        "zip",
        "gz",
    ];
    name.rsplit_once('.').is_some_and(|(_, end)| ENDS.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

/// Returns true for names of weights and data, which are not searched if they are large.
pub(super) fn is_content_name(name: &str) -> bool {
    is_model_file(name) || is_data_file(name)
}

/// Returns true for names of texts that people write: code, notebooks, settings and documents.
pub(super) fn is_text_name(name: &str) -> bool {
    const ENDS: [&str; 30] = [
        "ipynb", "py", "r", "jl", "rs", "go", "c", "h", "cpp", "java", "scala", "kt", "js", "ts", "sh", "ps1", "sql",
        "md", "rst", "adoc", "txt", "tex", "html", "json", "yaml", "yml", "toml", "ini", "cfg", "conf",
    ];
    name.rsplit_once('.').is_some_and(|(_, end)| ENDS.iter().any(|known| end.eq_ignore_ascii_case(known)))
}
