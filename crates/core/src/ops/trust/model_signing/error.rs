//! The reasons why a folder cannot be signed or verified.

use std::io;
use std::path::PathBuf;

use crate::ops::error::Error;
use crate::relative_path::RelativePath;
use crate::trust::{KeyError, ModelSignatureError, ModelStatementError};

/// The reason why a folder cannot be signed, or its signature cannot be verified.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A symbolic link, which a signature does not cover.
    #[error("`{0}` is a symbolic link, which a signature cannot cover; remove it, or ignore it with `--ignore {0}`")]
    Link(RelativePath),
    /// A device, a pipe or a socket.
    #[error("`{0}` is neither a file nor a folder; ignore it with `--ignore {0}`")]
    Special(RelativePath),
    /// A name that a statement cannot contain.
    #[error("the name of `{}` is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// Not a folder.
    #[error("`{}` is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// A statement that cannot be written.
    #[error("nothing can be signed: {0}")]
    Unsignable(ModelStatementError),
    /// A signature that is larger than what is read.
    #[error("the signature would have {size} bytes; the limit is {limit}")]
    TooLarge {
        /// The bytes of the bundle.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A key of a kind that OpenSSF Model Signing does not have.
    #[error("OpenSSF Model Signing has signatures of ECDSA keys only, not of {0} keys")]
    OtherAlgorithm(String),
    /// A key that cannot sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A signature that does not count.
    #[error("the signature does not count")]
    Signature(#[from] ModelSignatureError),
    /// Another failure.
    #[error(transparent)]
    Operation(#[from] Error),
    /// A file or folder cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}
