//! Errors in the headers of files of weights.

use crate::limits;
use std::io;

/// The reason why the tensors of a file cannot be determined from its header.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading failed.
    #[error("its header cannot be read")]
    Read(#[source] io::Error),
    /// The file ends before its header does.
    #[error("it ends inside its header")]
    Truncated,
    /// The header is, or claims to be, larger than any real one.
    #[error("its header is longer than {} bytes", limits::TENSOR_HEADER_BYTES)]
    TooLarge,
    /// The header has more of something than any real one.
    #[error("it has more than {limit} {what}")]
    TooMany {
        /// The things that are counted.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The file does not begin like a GGUF file.
    #[error("it is not a GGUF file")]
    NotGguf,
    /// A version that does not exist, or not yet.
    #[error("GGUF version {0} is not supported")]
    Version(u32),
    /// The header of a safetensors file is not such a document.
    #[error("its header is not a list of tensors")]
    Json(#[source] serde_json::Error),
    /// An entry of the metadata is not valid.
    #[error("its metadata `{}` {problem}", key.escape_debug())]
    Metadata {
        /// The key of the entry.
        key: String,
        /// The problem, as a predicate.
        problem: &'static str,
    },
    /// A tensor is not valid.
    #[error("its tensor `{}` {problem}", name.escape_debug())]
    Tensor {
        /// The name as the header contains it.
        name: String,
        /// The problem, as a predicate.
        problem: &'static str,
    },
    /// A tensor has a type whose size is not known.
    #[error("its tensor `{}` has the unknown type `{}`", name.escape_debug(), found.escape_debug())]
    UnknownType {
        /// The name of the tensor.
        name: String,
        /// The type, as a name or a number.
        found: String,
    },
    /// There are bytes after the last tensor, or bytes are missing.
    #[error("its tensors end at byte {end}, but the file ends at byte {file_size}")]
    WrongEnd {
        /// The end of the last tensor.
        end: u64,
        /// The end of the file.
        file_size: u64,
    },
}

impl Error {
    /// Returns true if the file may be whole, and only its form is unknown: a later version, a type without a known
    /// size, or a header above a limit.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Version(_) | Self::UnknownType { .. } | Self::TooLarge | Self::TooMany { .. })
    }

    pub(super) fn tensor(name: &str, problem: &'static str) -> Self {
        Self::Tensor { name: name.to_owned(), problem }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Read(error),
        }
    }
}
