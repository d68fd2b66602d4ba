//! The hints below errors of the sources of imports: a hub, git, and an MLflow server.

use std::io;

use super::registry::hint_for_registry;
use kit_core::git;
use kit_core::registry;
use kit_core::upstream::{hub, mlflow};

pub(super) fn hint_for_mlflow(error: &mlflow::Error) -> Option<String> {
    match error {
        mlflow::Error::Refused { source, .. } if matches!(**source, registry::Error::Denied { .. }) => None,
        mlflow::Error::Refused { .. } => Some(
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or pass a token with MLFLOW_TRACKING_TOKEN or \
             --token"
                .to_owned(),
        ),
        mlflow::Error::Request { source, .. } if matches!(source.failure(), registry::Error::Unreachable { .. }) => {
            Some("set MLFLOW_TRACKING_URI to the URL of the tracking server".to_owned())
        }
        mlflow::Error::Elsewhere(_) => {
            Some("download the files with `mlflow artifacts download`, then import the folder".to_owned())
        }
        _ => None,
    }
}

pub(super) fn hint_for_git(error: &git::Error) -> Option<String> {
    match error {
        git::Error::NotThere(source) if source.kind() == io::ErrorKind::NotFound => {
            Some("install git; it is required for all repositories except those of a hub".to_owned())
        }
        _ => None,
    }
}

pub(super) fn hint_for_hub(error: &hub::Error) -> Option<String> {
    match error {
        hub::Error::Gated { .. } => {
            Some("request access on its page, then pass a token with HF_TOKEN or --token".to_owned())
        }
        hub::Error::NoRepository { kind: hub::Kind::Model, name, .. } => Some(format!(
            "for a dataset, use `datasets/{name}`; for a private repository, pass a token with HF_TOKEN or --token"
        )),
        hub::Error::NoRepository { .. } => {
            Some("for a private repository, pass a token with HF_TOKEN or --token".to_owned())
        }
        hub::Error::HttpService(error) if matches!(error.failure(), registry::Error::Unreachable { .. }) => {
            hint_for_registry(error)
        }
        hub::Error::NoRevision { .. } => Some("--ref accepts a branch, a tag or a full commit id".to_owned()),
        _ => None,
    }
}
