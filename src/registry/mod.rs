//! A remote repository over the OCI distribution protocol (distribution-spec 1.1), as a [`Source`](crate::oci::Source) and a
//! [`Target`](crate::oci::Target).
//!
//! Asynchronous code ends at this door: the room owns the runtime, its public face blocks. It knows no store, no Kitfile and
//! no terminal, and reads no environment except the proxy variables, which reqwest reads.

mod answer;
mod auth;
mod challenge;
mod client;
mod credential_file;
mod credential_store;
mod credentials;
mod document;
mod download;
mod endpoint;
mod error;
mod exchange;
mod feed;
mod helper;
mod learned;
mod manifest_refusal;
mod mirror;
mod object_store;
mod pages;
mod probe;
mod redact;
mod referrers;
mod repository;
mod retry;
mod settings;
mod site;
mod tags;
mod token;
mod transport;
mod upload;
mod upload_form;
mod upload_journal;
mod upload_resume;
mod upload_session;
mod web_file;

pub use answer::Answer;
pub use client::Client;
pub use credential_store::{CredentialStore, Erased};
pub use credentials::Credentials;
pub use error::{Cause, Error};
pub use mirror::{InvalidMirror, Mirror};
pub use object_store::{AccessKeys, ObjectStore};
pub use probe::Finding;
pub use repository::Repository;
pub use retry::RetryPolicy;
pub use settings::{ClientCertificate, HostSettings, Proxy, Settings, Timeouts};
pub use site::{Place, Question, Site};
pub use upload_form::{SaidBy, UploadForm};
pub use web_file::{FileHead, WebFile};
