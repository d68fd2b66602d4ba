//! What a first Kitfile is drafted from: a folder, or a repository of which nothing is downloaded but what tells what its files are.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::listing::listing;
use crate::draft::{Found, FoundKind};
use crate::oci::{Content, ContentError};
use crate::ops::error::Error;
use crate::ops::files::LocalFile;
use crate::upstream::Upstream;

/// Files that a Kitfile may be drafted for.
pub trait Project {
    /// What is directly in it and in its folders; folders in those are taken for empty.
    fn listing(&self) -> Result<Vec<Found>, Error>;

    /// A file that is listed; its path is that from the top, with `/` between names.
    fn content(&self, path: &str) -> Result<Box<dyn Content + '_>, Error>;
}

/// A folder here.
#[derive(Debug, Clone)]
pub struct ProjectFolder(pub PathBuf);

impl Project for ProjectFolder {
    fn listing(&self) -> Result<Vec<Found>, Error> {
        let mut listing = list(&self.0)?;
        for found in &mut listing {
            if let FoundKind::Folder(inside) = &mut found.kind {
                *inside = list(&self.0.join(&found.name))?;
            }
        }
        Ok(listing)
    }

    fn content(&self, path: &str) -> Result<Box<dyn Content + '_>, Error> {
        Ok(Box::new(LocalFile(self.0.join(path))))
    }
}

/// A repository elsewhere.
pub(super) struct RemoteProject<'a>(pub(super) &'a dyn Upstream);

impl Project for RemoteProject<'_> {
    fn listing(&self) -> Result<Vec<Found>, Error> {
        let files: Vec<_> = self.0.files().iter().map(|file| (file.path.as_str(), file.size)).collect();
        Ok(listing(&files, 1))
    }

    fn content(&self, path: &str) -> Result<Box<dyn Content + '_>, Error> {
        let missing = || ContentError::NotFound(path.to_owned());
        let file = self.0.files().iter().find(|file| file.path.as_str() == path);
        let file = file.ok_or_else(|| Error::reading(&format!("`{path}`"), missing()))?;
        match file.descriptor() {
            Some(descriptor) => Ok(self.0.content(&file.path, &descriptor)),
            None => Ok(Box::new(self.0.read(file)?)),
        }
    }
}

/// What is directly in a folder. Names that are not UTF-8 are no matter for a Kitfile.
fn list(folder: &Path) -> Result<Vec<Found>, Error> {
    let mut listing = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let kind = if metadata.is_dir() {
            FoundKind::Folder(Vec::new())
        } else if metadata.is_file() {
            FoundKind::File { size: metadata.len() }
        } else {
            FoundKind::Other
        };
        if let Ok(name) = entry.file_name().into_string() {
            listing.push(Found { name, kind });
        }
    }
    Ok(listing)
}

/// The files of a project, to be looked into.
pub(crate) struct Files<'a> {
    project: &'a dyn Project,
    /// In bytes, by path.
    sizes: BTreeMap<String, u64>,
}

/// What is larger is no text that somebody wrote.
const TEXT_LIMIT: u64 = 16 * 1024 * 1024;

impl<'a> Files<'a> {
    pub(crate) fn of(project: &'a dyn Project, listing: &[Found]) -> Self {
        let mut sizes = BTreeMap::new();
        collect(listing, "", &mut sizes);
        Self { project, sizes }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.sizes.keys().map(String::as_str)
    }

    /// Those that are in no folder.
    pub(super) fn at_the_top(&self) -> impl Iterator<Item = &str> {
        self.paths().filter(|path| !path.contains('/'))
    }

    pub(super) fn size(&self, path: &str) -> Option<u64> {
        self.sizes.get(path).copied()
    }

    pub(super) fn content(&self, path: &str) -> Result<Box<dyn Content + '_>, Error> {
        self.project.content(path)
    }

    /// The first bytes of a file.
    pub(super) fn beginning(&self, path: &str, bytes: u64) -> Result<Vec<u8>, Error> {
        let failed = |error| Error::reading(&format!("`{path}`"), error);
        let bytes = bytes.min(self.size(path).unwrap_or_default());
        let mut read = Vec::new();
        if bytes > 0 {
            let content = self.content(path)?;
            let result = content.open_range(0, bytes).map_err(failed)?.read_to_end(&mut read);
            result.map_err(|error| failed(error.into()))?;
        }
        Ok(read)
    }

    /// A whole text; none if it is not there, or too large to be one.
    pub(super) fn text(&self, path: &str) -> Result<Option<String>, Error> {
        if self.size(path).is_none_or(|size| size > TEXT_LIMIT) {
            return Ok(None);
        }
        let bytes = self.beginning(path, TEXT_LIMIT)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

fn collect(listing: &[Found], folder: &str, sizes: &mut BTreeMap<String, u64>) {
    for Found { name, kind } in listing {
        let path = format!("{folder}{name}");
        match kind {
            FoundKind::File { size } => drop(sizes.insert(path, *size)),
            FoundKind::Folder(inside) => collect(inside, &format!("{path}/"), sizes),
            FoundKind::Other => {}
        }
    }
}
