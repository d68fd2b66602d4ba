//! What goes wrong in a store.

use std::io;
use std::path::PathBuf;

use crate::oci::ContentError;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading or writing failed; the source names the path.
    #[error("cannot use the local store")]
    Io(#[from] io::Error),
    /// The folder is something else.
    #[error("`{path}` is not an OCI image layout: {reason}")]
    NotALayout {
        /// The folder.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// The index cannot be read.
    #[error("cannot read the index `{path}`")]
    Index {
        /// The index file.
        path: PathBuf,
        /// What is wrong in it.
        source: serde_json::Error,
    },
    /// Other processes use the store, and the work needs it alone.
    #[error("other `kit` processes are using the store at `{0}`")]
    InUse(PathBuf),
}

impl From<Error> for ContentError {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => Self::from(error),
            error => Self::Other(Box::new(error)),
        }
    }
}
