//! The sources of a first Kitfile: a folder, or a remote repository, from which only small files and headers are read.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::hub_cache::CachedSnapshot;
use super::listing::listing;
use crate::archive::is_left_by_tool;
use crate::draft::{Found, FoundKind};
use crate::file_kind::is_leftover;
use crate::limits;
use crate::oci::{Content, ContentError};
use crate::ops::error::Error;
use crate::ops::files::LocalFile;
use crate::scan::secrets::{is_secret_name, is_sure_name};
use crate::sys::name_of;
use crate::upstream::Upstream;

/// Files that a Kitfile may be drafted for.
pub trait Project {
    /// Lists the files and folders at the top, and `levels` of the folders below it. Deeper folders are listed as
    /// empty.
    fn listing(&self, levels: usize) -> Result<Vec<Found>, Error>;

    /// Returns the content of a listed file. `path` is relative to the top, with `/` between names.
    fn content(&self, path: &str) -> Result<Box<dyn Content + '_>, Error>;

    /// Returns true if a listed file is a symbolic link to a place outside the project.
    fn leads_outside(&self, _path: &str) -> bool {
        false
    }

    /// Returns the target of a listed entry that is a symbolic link to nothing.
    fn missing_target(&self, _path: &str) -> Option<PathBuf> {
        None
    }

    /// Returns the snapshot that the project is, if it is in the cache of the Hugging Face hub.
    fn snapshot(&self) -> Option<CachedSnapshot> {
        None
    }

    /// Returns true if a draft leaves out files with this name, because they usually hold secrets. An import reports
    /// them instead.
    fn leaves_out(&self, _name: &str) -> bool {
        false
    }
}

/// The number of levels of folders that are listed below the entries of a draft: enough for the checkpoints of
/// Lightning, in `lightning_logs/version_0/checkpoints`.
pub(super) const BELOW: usize = 4;
/// Folders that hold no model, whose content may be large. They are listed as deep as KitOps does.
const SHALLOW: [&str; 8] = ["docs", "data", "dataset", "datasets", "prompts", "src", "pkg", "lib"];

/// A local folder.
#[derive(Debug, Clone)]
pub struct ProjectFolder(pub PathBuf);

impl Project for ProjectFolder {
    fn listing(&self, levels: usize) -> Result<Vec<Found>, Error> {
        list(&self.0, levels)
    }

    fn content(&self, path: &str) -> Result<Box<dyn Content + '_>, Error> {
        Ok(Box::new(LocalFile(self.0.join(path))))
    }

    fn leads_outside(&self, path: &str) -> bool {
        let place = self.0.join(path);
        let is_link = fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_symlink());
        let (end, folder) = (fs::canonicalize(place), fs::canonicalize(&self.0));
        is_link && end.is_ok_and(|end| folder.is_ok_and(|folder| !end.starts_with(folder)))
    }

    fn missing_target(&self, path: &str) -> Option<PathBuf> {
        let place = self.0.join(path);
        let target = fs::read_link(&place).ok()?;
        fs::metadata(place).is_err_and(|error| error.kind() == io::ErrorKind::NotFound).then_some(target)
    }

    fn snapshot(&self) -> Option<CachedSnapshot> {
        CachedSnapshot::of(&self.0)
    }

    fn leaves_out(&self, name: &str) -> bool {
        is_sure_name(name) || is_secret_name(name)
    }
}

/// A remote repository.
pub(super) struct RemoteProject<'a>(pub(super) &'a dyn Upstream);

impl Project for RemoteProject<'_> {
    fn listing(&self, levels: usize) -> Result<Vec<Found>, Error> {
        let files: Vec<_> = self.0.files().iter().map(|file| (file.path.as_str(), file.size)).collect();
        Ok(listing(&files, levels))
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

/// Lists the entries of a folder, and `levels` of its subfolders, without what tools have left there. Names that are
/// not UTF-8 are skipped, because a Kitfile cannot contain them. Folders that a draft ignores are listed as empty.
/// Links to files are listed as those files; links to folders are not followed, because they may form a loop.
fn list(folder: &Path, levels: usize) -> Result<Vec<Found>, Error> {
    let mut listing = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let end = if metadata.is_symlink() { fs::metadata(entry.path()).ok() } else { None };
        let name = name_of(&entry);
        let is_ignored = name.as_deref().is_none_or(|name| name.starts_with('.') || is_leftover(name));
        let kind = if metadata.is_dir() {
            let is_shallow = name.as_deref().is_some_and(|name| SHALLOW.contains(&name));
            let levels = if is_shallow { levels.min(levels.saturating_sub(BELOW - 1).max(1)) } else { levels };
            let is_listed = levels > 0 && !is_ignored;
            FoundKind::Folder(if is_listed { list(&entry.path(), levels - 1)? } else { Vec::new() })
        } else if end.as_ref().unwrap_or(&metadata).is_file() {
            FoundKind::File { size: end.as_ref().unwrap_or(&metadata).len() }
        } else {
            FoundKind::Other
        };
        if let Some(name) = name
            && !is_left_by_tool(&name, &entry.path())
        {
            listing.push(Found { name, kind });
        }
    }
    Ok(listing)
}

/// The files of a project, with access to their contents.
pub(crate) struct Files<'a> {
    project: &'a dyn Project,
    /// In bytes, by path.
    sizes: BTreeMap<String, u64>,
}

impl<'a> Files<'a> {
    pub(crate) fn of(project: &'a dyn Project, listing: &[Found]) -> Self {
        let mut sizes = BTreeMap::new();
        collect(listing, "", &mut sizes);
        Self { project, sizes }
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.sizes.keys().map(String::as_str)
    }

    /// The paths of files that are not in a folder.
    pub(super) fn at_the_top(&self) -> impl Iterator<Item = &str> {
        self.paths().filter(|path| !path.contains('/'))
    }

    pub(super) fn size(&self, path: &str) -> Option<u64> {
        self.sizes.get(path).copied()
    }

    pub(super) fn content(&self, path: &str) -> Result<Box<dyn Content + '_>, Error> {
        self.project.content(path)
    }

    /// Reads the first bytes of a file.
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

    /// Reads a whole text, or returns `None` if the file does not exist or is too large to be one.
    pub(super) fn text(&self, path: &str) -> Result<Option<String>, Error> {
        if self.size(path).is_none_or(|size| size > limits::PROJECT_TEXT_BYTES) {
            return Ok(None);
        }
        let bytes = self.beginning(path, limits::PROJECT_TEXT_BYTES)?;
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
