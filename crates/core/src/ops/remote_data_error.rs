//! The errors about datasets that are not in the ModelKit.

use crate::oci::ContentError;

/// The reason why a remote dataset cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RemoteDataError {
    /// A remote dataset does not match the Kitfile or the lock file.
    #[error("`{address}` has the wrong {what}: expected {expected}, found {found}")]
    OtherRemote {
        /// The address of the dataset.
        address: String,
        /// The property that differs, such as `digest`.
        what: &'static str,
        /// The expected value.
        expected: String,
        /// The value that the server, or another document, gives.
        found: String,
    },
    /// An object is not the one that the Kitfile refers to.
    #[error("object in s3 bucket does not match hash: ETag = {tag}, hash = {hash}")]
    OtherObject {
        /// The current `ETag`.
        tag: String,
        /// The `remoteHash` of the Kitfile.
        hash: String,
    },
    /// An object has no `ETag` to compare with the Kitfile.
    #[error("missing ETag on object")]
    NoETag,
    /// A remote dataset cannot be read.
    #[error("cannot read `{address}`")]
    ReadRemote {
        /// The address of the dataset.
        address: String,
        /// The cause.
        source: ContentError,
    },
    /// A remote dataset has neither a digest nor an `ETag` to verify it against.
    #[error("no digest is known for `{0}`; refusing to fetch unverified data")]
    Unproven(String),
}
