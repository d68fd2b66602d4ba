//! Git LFS: what git has instead of large files, and the server that has the files.
//!
//! HTTP itself, with its settings, retries and ranges, is that of `registry`: a server is a [`HttpService`](crate::registry::HttpService).

mod error;
mod pointer;
mod server;

pub use error::Error;
pub use pointer::{POINTER_LIMIT, Pointer};
pub use server::Server;
