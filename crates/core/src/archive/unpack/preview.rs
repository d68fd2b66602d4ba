//! A look at the target of an unpacking, which changes nothing: the conflicts that the unpacking would report.

use std::fs::File;
use std::io;
use std::path::Path;

use super::destination::{culprit, find_in, open_in};
use super::unsafe_paths::{PathRules, UnsafePaths};
use crate::archive::error::{Conflict, Error, Obstacle};
use crate::relative_path::RelativePath;
use crate::sys::{Dir, Folders, Found, Link};

/// The target of an unpacking that is not made.
#[derive(Debug)]
pub struct Preview {
    /// `None` if the folder does not exist, so that there is nothing in the way.
    target: Option<Folders>,
    rules: PathRules,
}

/// The existing file or folder at the path of a file.
#[derive(Debug)]
pub enum Existing {
    /// Nothing.
    Nothing,
    /// A file, which is in the way if its content differs.
    File {
        /// The open file.
        file: File,
        /// Its size in bytes.
        size: u64,
    },
    /// Something that is never replaced.
    Conflict(Conflict),
}

impl Preview {
    /// Looks at the folder `place`.
    pub fn open(place: &Path, unsafe_paths: &UnsafePaths) -> Result<Self, Error> {
        let target = match Dir::open(place) {
            Ok(target) => Some(Folders::new(target, place, Link::Stay)),
            // A symbolic link to nothing is not replaced by a folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound && place.symlink_metadata().is_err() => None,
            Err(source) => return Err(Error::OpenTarget { path: place.to_owned(), source }),
        };
        Ok(Self { target, rules: PathRules::new(unsafe_paths, place) })
    }

    /// Returns what exists at the `path` of a file. Fails if it must not be unpacked.
    pub fn file(&self, path: &RelativePath) -> Result<Existing, Error> {
        self.rules.check(path)?;
        let Some(target) = &self.target else { return Ok(Existing::Nothing) };
        match find_in(target, path)? {
            Found::Nothing => Ok(Existing::Nothing),
            Found::File { size } => Ok(Existing::File { file: open_in(target, path)?, size }),
            _ => Ok(Existing::Conflict(culprit(target, path, Obstacle::NotAFile)?)),
        }
    }

    /// Returns the conflict at the `path` of a folder. Fails if it must not be unpacked.
    pub fn directory(&self, path: &RelativePath) -> Result<Option<Conflict>, Error> {
        self.rules.check(path)?;
        let Some(target) = &self.target else { return Ok(None) };
        match find_in(target, path)? {
            Found::Nothing | Found::Directory => Ok(None),
            _ => culprit(target, path, Obstacle::NotAFolder).map(Some),
        }
    }
}
