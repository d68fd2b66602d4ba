//! The MLflow runs below a folder that is not a run itself: `mlruns`, or the folder of an experiment in it.

use std::path::{Path, PathBuf};

use fs_err as fs;

use super::run::is_mlflow;
use crate::file_kind::is_leftover;

/// The number of levels between `mlruns` and a run.
const LEVELS: usize = 2;

/// Returns the paths of the runs in `folder`, relative to it and sorted. Folders that cannot be read have none.
pub fn mlflow_runs(folder: &Path) -> Vec<PathBuf> {
    let mut runs = Vec::new();
    collect(folder, Path::new(""), LEVELS, &mut runs);
    runs.sort();
    runs
}

fn collect(folder: &Path, below: &Path, levels: usize, runs: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder.join(below)) else { return };
    for entry in entries.flatten() {
        let (path, name) = (below.join(entry.file_name()), entry.file_name());
        let is_used = name.to_str().is_some_and(|name| !name.starts_with('.') && !is_leftover(name));
        if !is_used || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        if entry.path().join("meta.yaml").is_file() && is_mlflow(&entry.path()) {
            runs.push(path);
        } else if levels > 1 {
            collect(folder, &path, levels - 1, runs);
        }
    }
}
