//! The digest of the data that a model is evaluated on.
//!
//! That of a file is the digest of its bytes. That of a folder is the digest of a list of its files, as `sha256sum`
//! prints it: a line with the digest, two spaces and the path below the folder for each file, in the order of the
//! bytes of the paths. A dataset of a ModelKit has the digest of the file or the folder that it was packed from.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::evaluate::EvaluationError;
use crate::digest::Digest;
use crate::limits;
use crate::modelkit::{Filter, Selection};
use crate::ops::artifact::inspect;
use crate::ops::files::digest_file;
use crate::ops::session::Located;
use crate::ops::trust::file_digests;
use crate::progress::Silent;
use crate::provenance::EvaluatedData;
use crate::sys::name_of;

/// The data that a model is evaluated on, as a user names it.
#[derive(Debug, Clone)]
pub enum DataSource {
    /// Data with this digest.
    Digest(Digest),
    /// A file or a folder on this machine, with its name.
    Path(PathBuf, String),
    /// A dataset of the ModelKit, as in `datasets:NAME`.
    Dataset(Filter, String),
}

/// Determines the digest of `data`; a dataset is that of the ModelKit `found`.
pub fn evaluated_data(found: &Located, data: &DataSource, jobs: usize) -> Result<EvaluatedData, EvaluationError> {
    let (name, digest) = match data {
        DataSource::Digest(digest) => ("data".to_owned(), *digest),
        DataSource::Path(path, name) => (name.clone(), of_path(path)?),
        DataSource::Dataset(filter, name) => (name.clone(), of_dataset(found, filter, name, jobs)?),
    };
    Ok(EvaluatedData { name, digest })
}

fn of_path(path: &Path) -> Result<Digest, EvaluationError> {
    let failed = |source| EvaluationError::Data { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return digest_file(fs::File::open(path).map_err(failed)?, &Silent).map_err(failed);
    }
    let mut files = BTreeMap::new();
    add_folder(&mut files, path, "").map_err(failed)?;
    if files.is_empty() {
        return Err(failed(io::Error::other("the folder contains no files")));
    }
    Ok(of_list(&files))
}

/// Adds the files below `folder`, whose paths begin with `prefix`.
fn add_folder(files: &mut BTreeMap<String, Digest>, folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let not_utf8 = || io::Error::other(format!("{} is not UTF-8", entry.file_name().display()));
        let name = name_of(&entry).ok_or_else(not_utf8)?;
        let (kind, path) = (entry.file_type()?, format!("{prefix}{name}"));
        if kind.is_dir() {
            add_folder(files, &entry.path(), &format!("{path}/"))?;
        } else if kind.is_file() {
            files.insert(path, digest_file(fs::File::open(entry.path())?, &Silent)?);
        } else {
            // A ModelKit may contain links, but data behind a link can change without the folder.
            return Err(io::Error::other(format!("`{path}` is neither a file nor a folder")));
        }
        if files.len() > limits::LISTED_FILES {
            return Err(io::Error::other(format!("the folder has more than {} files", limits::LISTED_FILES)));
        }
    }
    Ok(())
}

fn of_dataset(found: &Located, filter: &Filter, name: &str, jobs: usize) -> Result<Digest, EvaluationError> {
    let mut modelkit = inspect(found)?.modelkit;
    let selection = Selection::new(vec![filter.clone()]);
    let mut layers: Vec<_> = modelkit.layers.iter().filter(|layer| selection.takes(layer)).cloned().collect();
    let Some(layer) = layers.pop().filter(|_| layers.is_empty()) else {
        return Err(EvaluationError::NotOneDataset { name: name.to_owned(), count: layers.len() });
    };
    let path = layer.path.clone();
    modelkit.layers = vec![layer];
    let files = file_digests(&*found.source, &modelkit, jobs)?;
    if let Some(digest) = files.get(&path) {
        return Ok(*digest);
    }
    let below = files.iter().map(|(file, digest)| {
        let path = path.as_str();
        (file.as_str().strip_prefix(path).unwrap_or(file.as_str()).trim_start_matches('/').to_owned(), *digest)
    });
    Ok(of_list(&below.collect()))
}

/// The digest of the list of `files`.
fn of_list(files: &BTreeMap<String, Digest>) -> Digest {
    let mut list = String::new();
    for (path, digest) in files {
        writeln!(list, "{}  {path}", digest.hex()).expect("writing to a string does not fail");
    }
    Digest::of(list.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_the_digest_of_the_list_that_sha256sum_prints() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("more")).unwrap();
        fs::write(at("train.csv"), "a,b\n1,2\n").unwrap();
        fs::write(at("more/val.csv"), "a,b\n3,4\n").unwrap();
        // LC_ALL=C find . -type f -printf '%P\n' | LC_ALL=C sort | xargs sha256sum | sha256sum
        let expected = "sha256:5f5263b5af3983838ca942bcb14bb35cae526b8ca6c7e6a4ce7d9ee4d8db4f78";
        assert_eq!(of_path(folder.path()).unwrap().to_string(), expected);
        assert_eq!(of_path(&at("train.csv")).unwrap(), Digest::of(b"a,b\n1,2\n"));
        of_path(&at("none")).unwrap_err();
        fs::create_dir(at("empty")).unwrap();
        of_path(&at("empty")).unwrap_err();
    }
}
