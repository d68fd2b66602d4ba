//! Import of a folder that is neither a git repository nor an MLflow run.

use std::path::Path;

use anyhow::{Result, bail};

use super::mlflow;
use crate::arguments::kitfile::find_kitfile;
use crate::commands::create::pack::read_kitfile;
use crate::context::Context;
use crate::output::{counted, tidy};
use kit_core::kitfile::Kitfile;
use kit_core::ops::{self, ModelFolder};

/// Returns true for a git repository. A bare one has no `.git`.
pub(super) fn is_git(folder: &Path) -> bool {
    folder.join(".git").exists() || folder.join("HEAD").exists()
}

/// Opens the folder that the user wrote as `text`. A folder of MLflow runs is an error that names them.
pub(super) fn open(text: &str, folder: &Path) -> Result<ModelFolder> {
    let runs = ops::mlflow_runs(folder);
    if runs.is_empty() {
        return Ok(ModelFolder::open(folder)?);
    }
    let named: Vec<_> = runs.iter().take(NAMED).map(|run| tidy(&Path::new(text).join(run))).collect();
    let more = if runs.len() > NAMED { format!(" and {} more", runs.len() - NAMED) } else { String::new() };
    bail!(
        "`{text}` is neither a git repository nor an MLflow run; it holds {}: {}{more}; \
         import one of them, as in `kit import {}`",
        counted(runs.len(), "run"),
        named.join(", "),
        named[0]
    );
}

/// The number of runs in a message. Further ones are only counted.
const NAMED: usize = 5;

/// The default name of the ModelKit: that of the repository in the cache of the hub, or of the folder.
pub(super) fn name(folder: &ModelFolder) -> String {
    match folder.snapshot() {
        Some(snapshot) => {
            let words = snapshot.owner.iter().chain([&snapshot.name]).map(|name| mlflow::words(name));
            words.collect::<Vec<_>>().join("/")
        }
        None => mlflow::words(&folder.path().file_name().unwrap_or_default().to_string_lossy()),
    }
}

/// The Kitfile in the folder, if there is one.
pub(super) fn own_kitfile(context: &Context, folder: &Path) -> Result<Option<Kitfile>> {
    find_kitfile(folder, folder).ok().map(|path| read_kitfile(context, &path)).transpose()
}
