//! The reasons why files cannot be attached to a ModelKit, or fetched from its referrers.

use std::io;
use std::path::PathBuf;

use crate::archive;
use crate::digest::Digest;
use crate::limits;
use crate::oci::ContentError;
use crate::ops::error::Error;
use crate::progress::human;
use crate::relative_path::PathEscapes;

/// The reason why files cannot be attached, or fetched.
#[derive(Debug, thiserror::Error)]
pub enum AttachmentError {
    /// A file could not be read.
    #[error(transparent)]
    Read(io::Error),
    /// A folder or a device.
    #[error("`{}` is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// Two files would have the same name.
    #[error("two files have the name `{0}`")]
    SameName(String),
    /// The files are too large to be copied with the ModelKit.
    #[error("the files have {}; a referrer may have at most {}", human(*.0), human(limits::REFERRER_BYTES))]
    TooLarge(u64),
    /// No referrer has this digest.
    #[error("`{subject}` has no referrer `{wanted}`")]
    NoSuchReferrer {
        /// The digest of the ModelKit.
        subject: Digest,
        /// The digest, or its beginning, as the user gave it.
        wanted: String,
    },
    /// More than one referrer has a digest with this beginning.
    #[error("more than one referrer begins with `{0}`")]
    Ambiguous(String),
    /// A referrer could not be read, or is not a valid document.
    #[error("cannot read the referrer `{0}`")]
    Referrer(Digest, #[source] ContentError),
    /// The name of a file leads outside of the folder.
    #[error(transparent)]
    Name(#[from] PathEscapes),
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] archive::Error),
    /// Any other failure.
    #[error(transparent)]
    Operation(#[from] Error),
}
