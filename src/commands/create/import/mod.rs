//! `kit import`: a repository of a hub, a git repository, an MLflow run.

mod artifact;
mod attestation;
mod command;
mod done;
mod folder;
mod mlflow;
mod origin;
mod publisher;
mod save;

pub(crate) use command::ImportArgs;
pub(crate) use origin::hub;
