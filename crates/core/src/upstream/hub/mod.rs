//! The Hugging Face hub, and whatever speaks its HTTP API: what a repository holds at a commit, and the bytes of its files.
//!
//! HTTP itself, with its settings, retries and ranges, is that of `registry`: a hub is a [`HttpService`](crate::registry::HttpService).

mod address;
mod answers;
mod error;
mod snapshot;

pub use address::{Address, InvalidAddress, Kind};
pub use error::Error;
pub use snapshot::{Hub, RemoteFile, Snapshot};
