//! The reasons why watching ends.

use std::io;
use std::path::PathBuf;

use super::sink::SinkError;
use crate::registry;

/// The reason why watching ends.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// Another process uses the state file.
    #[error("another process watches with the state in `{}`", .0.display())]
    InUse(PathBuf),
    /// The state cannot be read.
    #[error("cannot read the state of the watch")]
    ReadState(#[source] io::Error),
    /// The state file is something else.
    #[error("`{}` is not the state of a watch", path.display())]
    NotAState {
        /// The path of the file.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
    /// The state cannot be written, so that a further event could be lost.
    #[error("cannot write the state of the watch")]
    WriteState(#[source] io::Error),
    /// A repository cannot be watched.
    #[error("cannot watch `{name}`")]
    Registry {
        /// The repository.
        name: String,
        /// The cause.
        source: Box<registry::Error>,
    },
    /// Events cannot be delivered in any later attempt either.
    #[error("cannot deliver events")]
    Sink(#[source] SinkError),
    /// The events of a single poll could not be delivered in time.
    #[error("{} to be delivered; the next run tries again", waiting(*.count))]
    Undelivered {
        /// Their number.
        count: usize,
        /// The cause.
        source: SinkError,
    },
}

fn waiting(count: usize) -> String {
    if count == 1 { "1 event waits".to_owned() } else { format!("{count} events wait") }
}
