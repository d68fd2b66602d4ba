//! Reads the small files of an MLflow run within size limits, because the folder may come from an untrusted source.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use fs_err as fs;

use crate::file_kind::is_leftover;
use crate::limits;
use crate::ops::import::error::ImportError;
use crate::progress::human;

/// Returns true if the path itself is a file. A link to a file does not count.
pub(super) fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Applies `make` to the texts of all files below the folder `kind` of the run, and returns the results by file name. A
/// name with a `/` belongs to a file in a subfolder.
pub(super) fn read_all<T>(
    run: &Path,
    kind: &str,
    limit: u64,
    make: impl Fn(&str, String) -> Result<T, ImportError>,
) -> Result<BTreeMap<String, T>, ImportError> {
    let one = |name: String| {
        let path = format!("{kind}/{name}");
        let value = make(&path, read(run, &path, limit)?)?;
        Ok((name, value))
    };
    names(run, kind)?.into_iter().map(one).collect()
}

/// Reads the text of one file, which may have at most `limit` bytes.
pub(super) fn read(run: &Path, path: &str, limit: u64) -> Result<String, ImportError> {
    let mut bytes = Vec::new();
    fs::File::open(run.join(path))?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(odd(path, format!("has more than {}", human(limit))));
    }
    String::from_utf8(bytes).map_err(|_| odd(path, "is not valid UTF-8"))
}

/// Returns an error about a file.
pub(super) fn odd(path: &str, problem: impl Into<String>) -> ImportError {
    ImportError::MlflowFile { path: path.to_owned(), problem: problem.into() }
}

fn names(run: &Path, kind: &str) -> Result<Vec<String>, ImportError> {
    // MLflow creates a folder only for kinds that the run has logged.
    let Ok(metadata) = fs::symlink_metadata(run.join(kind)) else { return Ok(Vec::new()) };
    if !metadata.is_dir() {
        return Err(odd(kind, "is not a folder"));
    }
    let (mut names, mut folders) = (Vec::new(), vec![String::new()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(run.join(kind).join(&folder))? {
            let entry = entry?;
            let name = format!("{folder}{}", entry.file_name().to_string_lossy());
            let file_type = entry.file_type()?;
            if file_type.is_dir() {
                folders.push(format!("{name}/"));
            } else if !file_type.is_file() {
                return Err(odd(&format!("{kind}/{name}"), "is neither a file nor a folder"));
            } else if !is_leftover(&name) {
                names.push(name);
            }
        }
        if names.len() + folders.len() > limits::MLFLOW_FILES {
            return Err(odd(kind, format!("has more than {} files", limits::MLFLOW_FILES)));
        }
    }
    Ok(names)
}
