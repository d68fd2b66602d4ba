//! What can go wrong with Git LFS.

use crate::oci::ContentError;
use crate::registry::{self, Answer};

/// Why an LFS server did not give a file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It wants to know who asks, or refused the answer.
    #[error("the LFS server `{host}` wants credentials that git does not have")]
    Locked {
        /// The server.
        host: String,
        /// What the server says.
        source: Option<Answer>,
    },
    /// Nobody pushed the file, or it was removed.
    #[error("the LFS server `{host}` does not have `{path}`: {words}")]
    Missing {
        /// The server.
        host: String,
        /// The file.
        path: String,
        /// What the server says.
        words: String,
    },
    /// An answer is not what the API promises.
    #[error("the LFS server `{host}` gave a wrong answer about `{path}`: {problem}")]
    WrongAnswer {
        /// The server.
        host: String,
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// Anything else that happens between two hosts.
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
