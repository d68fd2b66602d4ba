//! Directories as paths, whose folders are held in place during an operation.
//!
//! The standard library cannot look up names in an open directory. Instead, every folder between the directory and a
//! name is opened in such a way that no process can rename or remove it, checked not to be a link, and kept open until
//! the operation is done. Only an empty folder could still be turned into a junction in the meantime.
//!
//! A link is what the standard library calls one: a symbolic link or a junction. Other reparse points, such as those of
//! cloud storage, are files and folders.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::below::Entry;
use super::found::{Found, Link};
use super::names::Names;
use crate::sys::replace::patiently;
use crate::sys::{FileType, Metadata, create_dir, rename};

// The constants of `CreateFileW` ("File Access Rights Constants" and `CreateFileW` of the documentation of Windows).
const READ_ATTRIBUTES: u32 = 0x80;
const TRAVERSE: u32 = 0x20;
const SHARE_READ_AND_WRITE: u32 = 0x1 | 0x2;
const BACKUP_SEMANTICS: u32 = 0x0200_0000;
const OPEN_REPARSE_POINT: u32 = 0x0020_0000;

/// An open directory.
///
/// Paths below it are text: normal names joined by `/`, or `.` for the directory itself. A symbolic link above the last
/// name is always an error.
#[derive(Debug)]
pub struct Dir {
    /// The path of the directory, or of one above it; it may contain links.
    root: PathBuf,
    /// The path of the directory below `root`, without links; empty for `root` itself.
    below: String,
}

/// A path whose folders stay in place until this is dropped.
#[derive(Debug)]
struct Held {
    path: PathBuf,
    folders: Vec<File>,
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
        Ok(Self { root: std::path::absolute(path)?, below: String::new() })
    }

    /// Opens the directory `path`.
    pub fn open_directory(&self, path: &str, link: Link) -> io::Result<Self> {
        match link {
            Link::Follow => Self::open(&self.entry(path)?.path),
            Link::Stay => {
                Entry::expect(path)?;
                self.hold(path)?;
                let below = if self.below.is_empty() { path.to_owned() } else { format!("{}/{path}", self.below) };
                Ok(Self { root: self.root.clone(), below })
            }
        }
    }

    /// Opens the file `path` for reading.
    pub fn open_file(&self, path: &str, link: Link) -> io::Result<File> {
        open_file(&self.entry(path)?, OpenOptions::new().read(true), link)
    }

    /// Opens for writing the file `path`, which was created by this program.
    pub fn open_file_to_write(&self, path: &str) -> io::Result<File> {
        open_file(&self.entry(path)?, OpenOptions::new().write(true), Link::Stay)
    }

    /// Returns the metadata of `path`.
    pub fn metadata_of(&self, path: &str, link: Link) -> io::Result<Metadata> {
        let held = self.entry(path)?;
        Metadata::of(&open_with(&held.path, OpenOptions::new().access_mode(READ_ATTRIBUTES), link)?)
    }

    /// Returns the metadata of the directory itself.
    pub fn metadata(&self) -> io::Result<Metadata> {
        Metadata::at(&self.hold("")?.path)
    }

    /// Returns the kind of file at `path`.
    pub fn find(&self, path: &str) -> io::Result<Found> {
        match Entry::of(path) {
            Ok(None) => return Ok(Found::Directory),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            entry => entry?,
        };
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
        let held = self.entry(path)?;
        Ok(fs::OpenOptions::new().read(true).write(true).create_new(true).open(&held.path)?.into_file())
    }

    /// Creates the directory `path`, if nothing exists there.
    pub fn create_directory(&self, path: &str, mode: u32) -> io::Result<()> {
        create_dir(&self.entry(path)?.path, mode)
    }

    /// Checks that `path` is a directory; the platform has no permission bits.
    pub fn set_mode_of_directory(&self, path: &str, _mode: u32) -> io::Result<()> {
        self.directory(path).map(drop)
    }

    /// Moves `from` to `to` in `target`, which must not exist.
    pub fn rename(&self, from: &str, target: &Self, to: &str) -> io::Result<()> {
        let (from, to) = (self.entry(from)?, target.entry(to)?);
        // `fs::rename` replaces files. This calls `MoveFileExW` without flags, which fails if the target exists.
        let mut moved = tempfile::TempPath::try_from_path(from.verbatim()?)?;
        moved.disable_cleanup(true);
        let to = to.verbatim()?;
        patiently(moved, |moved| moved.persist_noclobber(&to).map_err(|failed| (failed.error, failed.path)))
    }

    /// Moves the file `from` to `to` in `target` and replaces an existing file: at any moment, `to` is the old file or
    /// the new one.
    pub fn rename_over(&self, from: &str, target: &Self, to: &str) -> io::Result<()> {
        let (from, to) = (self.entry(from)?, target.entry(to)?);
        rename(&from.path, &to.path)
    }

    /// Creates the hard link `to` in `target` to the file `from`.
    pub fn link(&self, from: &str, target: &Self, to: &str) -> io::Result<()> {
        let (from, to) = (self.entry(from)?, target.entry(to)?);
        fs::hard_link(&from.path, &to.path)
    }

    /// Removes the file `path`.
    pub fn remove_file(&self, path: &str) -> io::Result<()> {
        fs::remove_file(&self.entry(path)?.path)
    }

    /// Removes the directory `path` if it is empty.
    pub fn remove_directory(&self, path: &str) -> io::Result<()> {
        fs::remove_dir(&self.entry(path)?.path)
    }

    /// Returns all names in the directory, sorted by bytes, or the first name that is not Unicode, with the invalid
    /// parts replaced.
    pub fn names(&self) -> io::Result<Result<Names, String>> {
        let (held, mut names) = (self.hold("")?, Names::default());
        for entry in fs::read_dir(&held.path)? {
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
        let (held, mut names) = (self.directory(path)?, Vec::new());
        for entry in fs::read_dir(&held.path)? {
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

    /// Holds the directory `path`, which may be `.`.
    fn directory(&self, path: &str) -> io::Result<Held> {
        self.hold(Entry::of(path)?.map_or("", |_| path))
    }

    /// Returns the place of `path`, and holds the folders above it.
    fn entry(&self, path: &str) -> io::Result<Held> {
        let entry = Entry::expect(path)?;
        let mut held = self.hold(entry.parent)?;
        held.path.push(entry.name);
        Ok(held)
    }

    /// Holds the folder `path` below the directory, which may be empty, and those above it.
    fn hold(&self, path: &str) -> io::Result<Held> {
        let mut held = Held { path: self.root.clone(), folders: Vec::new() };
        for name in self.below.split('/').chain(path.split('/')).filter(|name| !name.is_empty()) {
            held.enter(name)?;
        }
        Ok(held)
    }
}

impl Held {
    /// The path in the form that may have any length (`\\?\C:\…`).
    fn verbatim(&self) -> io::Result<PathBuf> {
        let (folder, name) = (self.path.parent(), self.path.file_name());
        let (folder, name) = folder.zip(name).expect("an entry is in a folder");
        Ok(fs::canonicalize(folder)?.join(name))
    }

    fn enter(&mut self, name: &str) -> io::Result<()> {
        self.path.push(name);
        let mut options = OpenOptions::new();
        options.access_mode(TRAVERSE | READ_ATTRIBUTES).share_mode(SHARE_READ_AND_WRITE);
        let folder = open_with(&self.path, &mut options, Link::Stay)?;
        match folder.metadata()?.file_type().into() {
            FileType::Directory => self.folders.push(folder),
            FileType::Link => return Err(link_refused()),
            FileType::File | FileType::Special => return Err(io::ErrorKind::NotADirectory.into()),
        }
        Ok(())
    }
}

/// Opens the file or folder `path`, or the link there for [`Link::Stay`].
fn open_with(path: &Path, options: &mut OpenOptions, link: Link) -> io::Result<File> {
    let flags = BACKUP_SEMANTICS | if link == Link::Stay { OPEN_REPARSE_POINT } else { 0 };
    options.custom_flags(flags).open(path)
}

/// Opens a file to read or write it.
fn open_file(held: &Held, options: &mut OpenOptions, link: Link) -> io::Result<File> {
    if link == Link::Follow {
        return options.open(&held.path);
    }
    let opened = options.clone().custom_flags(OPEN_REPARSE_POINT).open(&held.path)?;
    let metadata = opened.metadata()?;
    if metadata.is_symlink() {
        return Err(link_refused());
    }
    if !is_reparse_point(&metadata) {
        return Ok(opened);
    }
    // A file of cloud storage, for example, which the system fetches when it is opened as usual.
    let fetched = options.open(&held.path)?;
    if Metadata::of(&fetched)?.is_same_file(&Metadata::of(&opened)?) { Ok(fetched) } else { Err(link_refused()) }
}

fn is_reparse_point(metadata: &std::fs::Metadata) -> bool {
    const REPARSE_POINT: u32 = 0x400;
    std::os::windows::fs::MetadataExt::file_attributes(metadata) & REPARSE_POINT != 0
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
