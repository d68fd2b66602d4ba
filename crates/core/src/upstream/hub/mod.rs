//! The Hugging Face hub, and other servers with its HTTP API: the files of a repository at a commit, and their bytes.
//!
//! HTTP itself, with its settings, retries and ranges, is in `registry`: a hub is an
//! [`HttpService`](crate::registry::HttpService).

mod address;
mod answers;
mod error;
mod snapshot;

pub use address::{Address, InvalidAddress, Kind};
pub use error::Error;
pub use snapshot::{Hub, RemoteFile, Snapshot};
