//! A remote repository over the OCI distribution protocol (distribution-spec 1.1), as a [`Source`](crate::oci::Source)
//! and a [`Target`](crate::oci::Target).
//!
//! Asynchronous code stays inside this module: it owns the runtime, and its public interface blocks. It knows no
//! store, no Kitfile and no terminal, and reads no environment except the proxy variables, which reqwest reads.

mod auth;
mod catalog;
mod client;
mod download;
mod error;
mod http;
mod manifest_refusal;
mod media_types;
mod mirror;
mod probe;
mod proxy;
mod referrers;
mod repository;
mod runtime;
mod settings;
mod tag_lookup;
mod tags;
mod target;
mod upload;
mod web;

pub use auth::{CredentialStore, CredentialSummary, Credentials, Erased};
pub use client::{Client, CredentialCheck};
pub use error::{Cause, Error};
pub use http::{Answer, RetryPolicy, check_authorities};
pub use mirror::{InvalidMirror, Mirror};
pub use probe::Finding;
pub use proxy::{Proxy, ProxyVariables};
pub use repository::Repository;
pub use settings::{ClientCertificate, HostSettings, Settings, Timeouts};
pub use tag_lookup::TagLookup;
pub use upload::{SaidBy, UploadForm};
pub use web::{
    AccessKeys, ContainerKeys, FileHead, HttpLocation, HttpRequest, HttpService, KeySources, ObjectStore, ProfileError,
    ProfileFiles, WebFile, WebIdentity, Webhook,
};
