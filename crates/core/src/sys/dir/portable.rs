//! Directories as paths, for platforms whose standard library cannot look up names in an open directory.
//!
//! Every path is checked for links immediately before it is used, not at the same moment.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::below::{Entry, with_ancestors};
use super::found::{Found, Link};
use super::names::Names;
use crate::sys::{FileType, Metadata, create_dir};

/// An open directory.
///
/// Paths below it are text: normal names joined by `/`, or `.` for the directory itself. A symbolic link above the last
/// name is always an error.
#[derive(Debug)]
pub struct Dir {
    place: PathBuf,
}

/// The error for a symbolic link that must not be followed.
#[derive(Debug)]
struct LinkRefused;

impl Dir {
    /// Opens `path`, which itself may contain symbolic links.
    pub fn open(path: &Path) -> io::Result<Self> {
        if !fs::metadata(path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { place: std::path::absolute(path)? })
    }

    /// Opens the directory `path`.
    pub fn open_directory(&self, path: &str, link: Link) -> io::Result<Self> {
        let place = self.target(path, link)?;
        if !fs::metadata(&place)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { place })
    }

    /// Opens the file `path` for reading.
    pub fn open_file(&self, path: &str, link: Link) -> io::Result<File> {
        Ok(fs::File::open(self.target(path, link)?)?.into_file())
    }

    /// Opens for writing the file `path`, which was created by this program.
    pub fn open_file_to_write(&self, path: &str) -> io::Result<File> {
        let place = self.target(path, Link::Stay)?;
        Ok(fs::OpenOptions::new().write(true).open(place)?.into_file())
    }

    /// Returns the metadata of `path`.
    pub fn metadata_of(&self, path: &str, link: Link) -> io::Result<Metadata> {
        let place = self.entry(path)?;
        let metadata = if link == Link::Stay { fs::symlink_metadata(place)? } else { fs::metadata(place)? };
        Ok(Metadata::from(&metadata))
    }

    /// Returns the metadata of the directory itself.
    pub fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata::from(&fs::metadata(&self.place)?))
    }

    /// Returns the kind of file at `path`.
    pub fn find(&self, path: &str) -> io::Result<Found> {
        if Entry::of(path)?.is_none() {
            return Ok(Found::Directory);
        }
        match self.metadata_of(path, Link::Stay) {
            Ok(metadata) => Ok(Found::of(metadata.file_type, metadata.size)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(Found::BelowFile),
            Err(error) if is_link_refusal(&error) => Ok(Found::Link),
            Err(error) => Err(error),
        }
    }

    /// Creates the file `path`, if nothing exists there.
    pub fn create_file(&self, path: &str, _mode: u32) -> io::Result<File> {
        let place = self.entry(path)?;
        Ok(fs::OpenOptions::new().read(true).write(true).create_new(true).open(place)?.into_file())
    }

    /// Creates the directory `path`, if nothing exists there.
    pub fn create_directory(&self, path: &str, mode: u32) -> io::Result<()> {
        create_dir(&self.entry(path)?, mode)
    }

    /// Creates the directory `path` and the missing directories above it.
    pub fn create_directories(&self, path: &str, mode: u32) -> io::Result<()> {
        for directory in with_ancestors(path) {
            match self.create_directory(directory, mode) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => result?,
            }
        }
        Ok(())
    }

    /// Checks that `path` is a directory; the platform has no permission bits.
    pub fn set_mode_of_directory(&self, path: &str, _mode: u32) -> io::Result<()> {
        self.list(path).map(drop)
    }

    /// Moves `from` to `to` in `target`, which must not exist.
    pub fn rename(&self, from: &str, target: &Self, to: &str) -> io::Result<()> {
        if target.find(to)? != Found::Nothing {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename_over(from, target, to)
    }

    /// Moves the file `from` to `to` in `target` and replaces an existing file: at any moment, `to` is the old file or
    /// the new one.
    pub fn rename_over(&self, from: &str, target: &Self, to: &str) -> io::Result<()> {
        fs::rename(self.entry(from)?, target.entry(to)?)
    }

    /// Creates the hard link `to` in `target` to the file `from`.
    pub fn link(&self, from: &str, target: &Self, to: &str) -> io::Result<()> {
        fs::hard_link(self.entry(from)?, target.entry(to)?)
    }

    /// Removes the file `path`.
    pub fn remove_file(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.entry(path)?)
    }

    /// Removes the directory `path` if it is empty.
    pub fn remove_directory(&self, path: &str) -> io::Result<()> {
        fs::remove_dir(self.entry(path)?)
    }

    /// Returns all names in the directory, sorted by bytes, or the first name that is not Unicode, with the invalid
    /// parts replaced.
    pub fn names(&self) -> io::Result<Result<Names, String>> {
        let mut names = Names::default();
        for entry in self.list(".")? {
            let entry = entry?;
            match entry.file_name().to_str() {
                Some(name) => names.push(name, Some(entry.file_type()?.into())),
                None => return Ok(Err(entry.file_name().to_string_lossy().into_owned())),
            }
        }
        names.sort();
        Ok(Ok(names))
    }

    /// Returns the first `limit` names in the directory `path` that `choose` selects, in no order. Names that are not
    /// Unicode are skipped.
    pub fn some_names(&self, path: &str, limit: usize, choose: impl Fn(&str) -> bool) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in self.list(path)? {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            if choose(&name) {
                names.push(name);
            }
            if names.len() == limit {
                break;
            }
        }
        Ok(names)
    }

    fn list(&self, path: &str) -> io::Result<fs::ReadDir> {
        match Entry::of(path)? {
            Some(_) => fs::read_dir(self.target(path, Link::Stay)?),
            None => fs::read_dir(&self.place),
        }
    }

    /// Returns the place of `path`, which must not be a link itself for [`Link::Stay`].
    fn target(&self, path: &str, link: Link) -> io::Result<PathBuf> {
        let place = self.entry(path)?;
        if link == Link::Stay && FileType::from(fs::symlink_metadata(&place)?.file_type()) == FileType::Link {
            return Err(link_refused());
        }
        Ok(place)
    }

    /// Returns the place of `path`, above which there are only directories.
    fn entry(&self, path: &str) -> io::Result<PathBuf> {
        let entry = Entry::expect(path)?;
        let mut place = self.place.clone();
        for name in entry.parent.split('/').filter(|name| !name.is_empty()) {
            place.push(name);
            match fs::symlink_metadata(&place)?.file_type().into() {
                FileType::Directory => {}
                FileType::Link => return Err(link_refused()),
                FileType::File | FileType::Special => return Err(io::ErrorKind::NotADirectory.into()),
            }
        }
        Ok(place.join(entry.name))
    }
}

fn link_refused() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, LinkRefused)
}

/// Returns true if a file was not opened because its name is a symbolic link, see [`Link::Stay`].
pub fn is_link_refusal(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<LinkRefused>)
}

impl fmt::Display for LinkRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is a symbolic link")
    }
}

impl std::error::Error for LinkRefused {}
