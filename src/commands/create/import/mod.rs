//! `kit import`: a repository of a hub, a git repository, an MLflow run.

mod artifact;
mod command;
mod mlflow;

pub(crate) use command::{ImportArgs, hub};
