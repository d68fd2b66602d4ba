//! Errors of reading from an MLflow tracking server.

use crate::oci::ContentError;
use crate::registry;
use crate::relative_path::RelativePath;

/// The reason why a run or a model could not be read from a tracking server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is not that of a run or a model.
    #[error("`{0}` is not the address of an MLflow run or model")]
    Address(String),
    /// A request failed.
    #[error("the request to the MLflow server `{host}` failed")]
    Request {
        /// The host of the server.
        host: String,
        /// The cause.
        source: Box<registry::Error>,
    },
    /// The server does not know the user, or the user may not read this.
    #[error("the MLflow server `{host}` refused access")]
    Refused {
        /// The host of the server.
        host: String,
        /// The cause.
        source: Box<registry::Error>,
    },
    /// The answer cannot be used.
    #[error("the MLflow server `{host}` sent an answer that cannot be used: {problem}")]
    Answer {
        /// The host of the server.
        host: String,
        /// The problem.
        problem: String,
    },
    /// The run or model is not complete.
    #[error("`{subject}` has the status {status}; only {expected} can be imported")]
    Unfinished {
        /// The run or model.
        subject: String,
        /// Its status.
        status: String,
        /// The statuses that can be imported.
        expected: &'static str,
    },
    /// A file could not be read.
    #[error("cannot read `{path}` from the MLflow server `{host}`")]
    File {
        /// The path of the file.
        path: RelativePath,
        /// The host of the server.
        host: String,
        /// The cause.
        source: Box<ContentError>,
    },
    /// A file does not have the size that the server announced.
    #[error("`{path}` has {size} bytes instead of {expected}")]
    Size {
        /// The path of the file.
        path: RelativePath,
        /// The number of bytes that were received.
        size: u64,
        /// The announced size.
        expected: u64,
    },
    /// The run or model has no files.
    #[error("`{0}` has no files")]
    NoFiles(String),
    /// The files are in a place that the tracking server does not read.
    #[error("the files are at `{0}`, which the tracking server does not deliver")]
    Elsewhere(String),
}
