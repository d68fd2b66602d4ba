//! The small files of an MLflow run, read within bounds: whoever made the folder may not be who imports it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use fs_err as fs;

use crate::file_kind::is_leftover;
use crate::kitfile::SIZE_LIMIT;
use crate::ops::error::Error;
use crate::progress::human;

/// A file of texts about a run or model is no larger: what is in it becomes part of a Kitfile.
pub(super) const TEXT_BYTES: u64 = SIZE_LIMIT as u64;
/// A metric has a line of some 40 bytes for each step.
pub(super) const METRIC_BYTES: u64 = 64 * 1024 * 1024;
/// More parameters, metrics or tags than this are data.
const MOST_FILES: usize = 10_000;

/// Whether there is a file at the path itself, not behind a link.
pub(super) fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// What `make` makes of the texts of the files below the folder `kind` of the run, by their names; one with a `/` lies in a folder of
/// its own.
pub(super) fn read_all<T>(
    run: &Path,
    kind: &str,
    limit: u64,
    make: impl Fn(&str, String) -> Result<T, Error>,
) -> Result<BTreeMap<String, T>, Error> {
    let one = |name: String| {
        let path = format!("{kind}/{name}");
        let value = make(&path, read(run, &path, limit)?)?;
        Ok((name, value))
    };
    names(run, kind)?.into_iter().map(one).collect()
}

/// The text of one file, of `limit` bytes at most.
pub(super) fn read(run: &Path, path: &str, limit: u64) -> Result<String, Error> {
    let mut bytes = Vec::new();
    fs::File::open(run.join(path))?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(odd(path, format!("has more than {}", human(limit))));
    }
    String::from_utf8(bytes).map_err(|_| odd(path, "is no UTF-8 text"))
}

/// An error about a file.
pub(super) fn odd(path: &str, problem: impl Into<String>) -> Error {
    Error::MlflowFile { path: path.to_owned(), problem: problem.into() }
}

fn names(run: &Path, kind: &str) -> Result<Vec<String>, Error> {
    // What a run did not log has no folder.
    let Ok(metadata) = fs::symlink_metadata(run.join(kind)) else { return Ok(Vec::new()) };
    if !metadata.is_dir() {
        return Err(odd(kind, "is no folder"));
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
        if names.len() + folders.len() > MOST_FILES {
            return Err(odd(kind, format!("has more than {MOST_FILES} files")));
        }
    }
    Ok(names)
}
