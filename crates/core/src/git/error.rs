//! What can go wrong with git.

use std::io;

/// Why git did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no git, or it cannot be started.
    #[error("cannot run `git`")]
    NotThere(#[source] io::Error),
    /// It refused.
    #[error("git cannot {attempt}: {words}")]
    Refused {
        /// What was attempted.
        attempt: String,
        /// What git says.
        words: String,
    },
    /// A path that has no name in UTF-8, or something that git does not usually print.
    #[error("git lists `{0}`, which cannot be imported")]
    Unreadable(String),
    /// Files could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
