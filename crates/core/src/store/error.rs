//! The errors of a store.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::digest::Digest;
use crate::oci::ContentError;

/// The reason why an operation on the store failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading or writing failed; the source names the path.
    #[error("cannot use {store}")]
    Io {
        /// The store.
        store: StoreName,
        /// The reason.
        source: io::Error,
    },
    /// The folder is not an image layout.
    #[error("`{path}` is not an OCI image layout: {reason}")]
    NotALayout {
        /// The folder.
        path: PathBuf,
        /// The part that is missing or wrong.
        reason: String,
    },
    /// The index cannot be read.
    #[error("cannot read the index `{path}`")]
    Index {
        /// The index file.
        path: PathBuf,
        /// The error of the JSON parser.
        source: serde_json::Error,
    },
    /// The index would be larger than the limit.
    #[error("the index `{path}` is full: with this change it would have {bytes} bytes, and the limit is {limit}")]
    IndexFull {
        /// The store.
        store: StoreName,
        /// The index file.
        path: PathBuf,
        /// The size that it would have.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// It is not known which content a manifest needs, so none can be deleted.
    #[error("cannot read the manifest `{name}`, which may need any of the content")]
    UnreadableManifest {
        /// Its name in the index, or else its digest.
        name: String,
        /// Its digest.
        digest: Digest,
        /// The reason.
        source: Box<ContentError>,
    },
    /// A lock could not be taken in time.
    #[error("{} holds the lock `{}`, and still held it after {}", owner(*process), lock.display(), shown(*waited))]
    Locked {
        /// The lock file.
        lock: PathBuf,
        /// The number of the process, if it is known.
        process: Option<u32>,
        /// The time of the wait.
        waited: Duration,
    },
    /// Other processes use the store, and the operation needs it exclusively.
    #[error("other `kit` processes are using the store at `{0}`")]
    InUse(PathBuf),
}

/// A store, as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreName {
    /// The store of this user.
    Local,
    /// An image layout in a folder that the user named.
    Layout(PathBuf),
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("the local store"),
            Self::Layout(path) => write!(f, "the OCI image layout `{}`", path.display()),
        }
    }
}

/// The operations of a [`Store`](super::Store) replace the name by its own.
impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Self::Io { store: StoreName::Local, source }
    }
}

impl From<Error> for ContentError {
    fn from(error: Error) -> Self {
        match error {
            Error::Io { source, .. } => Self::from(source),
            error => Self::Other(Box::new(error)),
        }
    }
}

fn owner(process: Option<u32>) -> String {
    process.map_or_else(|| "another process".to_owned(), |process| format!("process {process}"))
}

/// A time as a user writes it: `Duration` calls none `0ns`.
fn shown(time: Duration) -> String {
    if time.is_zero() { "0s".to_owned() } else { format!("{time:?}") }
}
