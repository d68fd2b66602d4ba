//! HTTP services and files on servers that are not registries, and object stores with signed URLs.

mod file;
mod object_store;
mod service;

pub use file::{FileHead, WebFile};
pub use object_store::{AccessKeys, ObjectStore};
pub use service::{HttpLocation, HttpRequest, HttpService};
