//! What can be wrong with the header of a file of weights.

use std::io;

use super::header::HEADER_LIMIT;

/// Why a header does not tell which tensors its file holds.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading failed.
    #[error("its header cannot be read")]
    Read(#[source] io::Error),
    /// The file is over before its header is.
    #[error("it ends inside of its header")]
    Truncated,
    /// The header is, or says that it is, larger than any real one.
    #[error("its header is longer than {HEADER_LIMIT} bytes")]
    TooLarge,
    /// The file begins with something else.
    #[error("it is no GGUF file")]
    NotGguf,
    /// A version that nobody has written yet, or never will.
    #[error("version {0} of GGUF is not known")]
    Version(u32),
    /// The header of a safetensors file is no such document.
    #[error("its header is no list of tensors")]
    Json(#[source] serde_json::Error),
    /// An entry of the metadata is wrong.
    #[error("its metadata `{}` {problem}", key.escape_debug())]
    Metadata {
        /// The entry.
        key: String,
        /// What it does wrong.
        problem: &'static str,
    },
    /// A tensor is wrong.
    #[error("its tensor `{}` {problem}", name.escape_debug())]
    Tensor {
        /// Its name as the header has it.
        name: String,
        /// What it does wrong.
        problem: &'static str,
    },
    /// A tensor is of a type whose size we do not know.
    #[error("its tensor `{}` has the unknown type `{}`", name.escape_debug(), found.escape_debug())]
    UnknownType {
        /// The tensor.
        name: String,
        /// The type, as a name or a number.
        found: String,
    },
    /// Bytes follow the last tensor or are missing.
    #[error("its tensors end at byte {end}, and the file at byte {file_size}")]
    WrongEnd {
        /// Where the last tensor ends.
        end: u64,
        /// Where the file ends.
        file_size: u64,
    },
}

impl Error {
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
