//! Errors of Git LFS.

use crate::oci::ContentError;
use crate::registry::{self, Answer};

/// An error of reading a file from an LFS server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server requires credentials, or refused those it got.
    #[error("the LFS server `{host}` requires credentials that git does not have")]
    Locked {
        /// The server.
        host: String,
        /// The server's answer.
        source: Option<Answer>,
    },
    /// The file was never pushed, or it was removed.
    #[error("the LFS server `{host}` does not have `{path}`: {words}")]
    Missing {
        /// The server.
        host: String,
        /// The file.
        path: String,
        /// The server's message.
        words: String,
    },
    /// An answer violates the API.
    #[error("the LFS server `{host}` gave a wrong answer about `{path}`: {problem}")]
    WrongAnswer {
        /// The server.
        host: String,
        /// The file.
        path: String,
        /// A description of the violation.
        problem: String,
    },
    /// The settings of the repository name a server on another host, which the user has not accepted.
    #[error("the repository keeps its large files on another host, `{host}`")]
    OtherHost {
        /// The host, with its port.
        host: String,
    },
    /// The address of the server in the settings of the repository is not an unambiguous URL.
    #[error("`.lfsconfig` has an invalid address of the LFS server: `{address}`")]
    BadAddress {
        /// The address.
        address: String,
    },
    /// Any other failure of an HTTP request.
    #[error(transparent)]
    HttpService(#[from] registry::Error),
}

impl From<Error> for ContentError {
    fn from(error: Error) -> Self {
        match error {
            Error::HttpService(error) => error.into(),
            error => Self::Other(Box::new(error)),
        }
    }
}
