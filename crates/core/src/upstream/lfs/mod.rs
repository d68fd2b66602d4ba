//! Git LFS: the pointers that git stores instead of large files, and the server that stores the files.
//!
//! HTTP itself, with its settings, retries and ranges, is in `registry`: a server is an
//! [`HttpService`](crate::registry::HttpService).

mod address;
mod error;
mod pointer;
mod server;

pub use address::Address;
pub use error::Error;
pub use pointer::Pointer;
pub use server::Server;
