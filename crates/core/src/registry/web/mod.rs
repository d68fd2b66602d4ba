//! HTTP services and files on servers that are not registries, and object stores with signed URLs.

mod file;
mod keys;
mod object_store;
mod service;
mod webhook;

pub use file::{FileHead, WebFile};
pub(super) use keys::Resolved;
pub use keys::{AccessKeys, ContainerKeys, KeySources, ProfileError, ProfileFiles, WebIdentity};
pub use object_store::ObjectStore;
pub use service::{HttpLocation, HttpRequest, HttpService};
pub use webhook::Webhook;
