//! Imports from other systems: a repository of a hub, a git repository, an MLflow run, an artifact of another tool.

mod artifact;
mod choice;
mod error;
mod folder;
mod git;
mod into_registry;
mod into_store;
mod mlflow;
mod publisher;
mod source;
mod work;

pub use artifact::{ArtifactUpstream, open_artifact};
pub use error::ImportError;
pub use folder::ModelFolder;
pub use git::{GitUpstream, fetch_git};
pub use into_registry::import_to;
pub use into_store::{ImportOptions, import};
pub use mlflow::{MlflowFolder, is_mlflow, mlflow_runs};
pub use publisher::PublisherError;
pub use work::{clear_imports, unfinished_imports};
