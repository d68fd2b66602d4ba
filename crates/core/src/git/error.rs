//! Errors of running git.

use std::io;

/// An error of a git command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no git, or it cannot be started.
    #[error("cannot run `git`")]
    NotThere(#[source] io::Error),
    /// git exited with an error.
    #[error("git cannot {attempt}: {words}")]
    Refused {
        /// The attempted action.
        attempt: String,
        /// The messages of git.
        words: String,
    },
    /// A path that is not valid UTF-8, or a line that git does not usually print.
    #[error("git lists `{0}`, which cannot be imported")]
    Unreadable(String),
    /// A file could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}
