//! Authentication: challenges, tokens, credential files and credential helpers.

mod authenticator;
mod challenge;
mod credential_file;
mod credential_store;
mod credentials;
mod helper;
mod token;

pub(crate) use authenticator::{Access, Auth, Keys, Rights};
pub(crate) use challenge::Challenge;
pub use credential_store::{CredentialStore, CredentialSummary, Erased};
pub use credentials::Credentials;
pub(crate) use token::{basic, bearer};
