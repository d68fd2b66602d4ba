//! The folder that is verified: its files and folders, looked up beneath those of the last path.

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::verify::{is_absent, mode_change};
use crate::modelkit::{Change, LockedFile};
use crate::ops::error::Error;
use crate::ops::files::digest_file;
use crate::progress::Task;
use crate::relative_path::RelativePath;
use crate::sys::{Dir, FileType, Folders, Link, Metadata};

/// A folder in which symbolic links are followed.
pub(super) struct WorkingFolder {
    place: PathBuf,
    /// `None` if the folder cannot be opened, for example because it does not exist.
    folders: Option<Folders>,
}

impl WorkingFolder {
    pub(super) fn open(place: &Path) -> Self {
        let root = Dir::open(place).ok();
        Self { place: place.to_owned(), folders: root.map(|root| Folders::new(root, place, Link::Follow)) }
    }

    /// Returns the metadata of the file or folder at `path`.
    pub(super) fn metadata_of(&self, path: &RelativePath) -> io::Result<Metadata> {
        self.at(path, |folder, name| folder.metadata_of(name, Link::Follow), Metadata::at)
    }

    /// Compares the file in the folder with `file`. Its content is read only if the size is right.
    pub(super) fn compare(&self, file: &LockedFile, task: &dyn Task) -> Result<Vec<Change>, Error> {
        let metadata = match self.metadata_of(&file.path) {
            Ok(metadata) if metadata.file_type == FileType::File => metadata,
            Ok(_) => return Ok(vec![Change::NotAFile]),
            Err(error) if is_absent(&error) => return Ok(vec![Change::Missing]),
            Err(error) => return Err(error.into()),
        };
        let content = if metadata.size == file.size {
            let opened = self.at(
                &file.path,
                |folder, name| folder.open_file(name, Link::Follow),
                |place| Ok(fs::File::open(place)?.into_file()),
            )?;
            let found = digest_file(fs::File::from_parts(opened, file.path.join_to(&self.place)), task)?;
            Change::in_value("content", &file.digest, &found)
        } else {
            Change::in_value("size", &file.size, &metadata.size)
        };
        Ok(content.into_iter().chain(mode_change(file.mode, metadata.mode)).collect())
    }

    /// Calls `beneath` with the open folder that contains `path` and the name in it. If that fails, the error is that
    /// of `whole` with the whole path, which it names.
    fn at<T>(
        &self,
        path: &RelativePath,
        beneath: impl FnOnce(&Dir, &str) -> io::Result<T>,
        whole: impl FnOnce(&Path) -> io::Result<T>,
    ) -> io::Result<T> {
        match self.folders.as_ref().map(|folders| folders.at(path.as_str(), beneath)) {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) if is_absent(&error) => Err(error),
            _ => whole(&path.join_to(&self.place)),
        }
    }
}
