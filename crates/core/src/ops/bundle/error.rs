//! The errors of archives.

use std::io;
use std::path::PathBuf;

use crate::oci::Reference;
use crate::ops::error::Error;
use crate::ops::lacking::Lacking;
use crate::store;

/// The reason why an archive could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file or folder that should be an archive is not an OCI image layout.
    #[error("`{}` is not an OCI image layout: {reason}", path.display())]
    NotAnArchive {
        /// The file or folder.
        path: PathBuf,
        /// The missing or wrong part.
        reason: String,
    },
    /// An archive without a ModelKit.
    #[error("the archive is empty")]
    EmptyArchive,
    /// An archive whose index has an invalid name for a ModelKit.
    #[error("invalid name `{}` in the index of the archive", .0.escape_debug())]
    BadName(String),
    /// An archive with several ModelKits, where a single name was given.
    #[error("the archive contains several ModelKits and cannot be loaded under a single name: {}", in_a_row(.0))]
    ManyInArchive(Vec<Reference>),
    /// An archive without blobs that its ModelKits need and that the target does not have either.
    #[error("the archive is incomplete; missing:{0}")]
    Incomplete(Lacking),
    /// A file or folder already exists.
    #[error("`{0}` already exists")]
    Exists(PathBuf),
    /// The output is a file that is not an archive.
    #[error("`{}` exists and is not an archive of ModelKits, so it is not overwritten", .0.display())]
    OtherFile(PathBuf),
    /// An archive with a compression that is not supported.
    #[error("the archive is compressed with {0}")]
    Compressed(&'static str),
    /// A blob of the archive does not match its digest.
    #[error(transparent)]
    Damaged(Error),
    /// The output did not accept more of the archive.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    /// A step that other operations have as well failed.
    #[error(transparent)]
    Operation(#[from] Error),
    /// The local store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A file could not be read or written; the source names the file.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn in_a_row(references: &[Reference]) -> String {
    references.iter().map(|reference| format!("`{reference}`")).collect::<Vec<_>>().join(", ")
}
