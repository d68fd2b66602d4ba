//! A repository of model files at a revision, to import from: the Hugging Face hub, a git remote, files in LFS, an
//! MLflow server.

pub mod hub;
pub mod lfs;
pub mod mlflow;

mod error;
mod git_remote;
mod repository;

pub use error::Error;
pub use git_remote::{GitRemote, Given};
pub use repository::{About, HubUpstream, Upstream, UpstreamFile};
