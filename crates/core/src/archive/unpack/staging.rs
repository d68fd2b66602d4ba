//! The folder in the target where files wait until the whole layer is verified.
//!
//! It is on the target's file system, so that its content can be renamed to its final path. A run that was killed
//! leaves its folder behind, unlocked; the next run into the same target removes it. The lock file contains the number
//! of its own inode, so that a folder with such a name from elsewhere is not taken for one.

use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::archive::tar::Records;
use crate::relative_path::RelativePath;
use crate::sys::{self, Dir, Folders, Leftover, LeftoverKind, Link, Metadata};

/// One of the names that `sys::is_temporary_name` recognises.
const PREFIX: &str = ".kit-unpack-";
const LOCK: &str = "kit-unpack.lock";
/// The number of attempts to create the folder when another run removes it as stale at the moment of its creation.
const ATTEMPTS: usize = 16;
/// More than the number of an inode has digits.
const MARK_BYTES: u64 = 64;
/// The permissions of the owner on a folder until it is in its final place, needed for filling and moving it.
const OWNER: u32 = 0o700;

/// A staging folder. Dropping it removes it and its remaining content.
#[derive(Debug)]
pub(super) struct Staging {
    folder: Dir,
    /// The files and folders to be moved to the target, under their final paths.
    new: Folders,
    /// Held as long as the folder is in use.
    _lock: File,
    umask: u32,
    /// The modes of folders that are set last: with these modes the owner could not fill or move the folders.
    late_modes: Mutex<Records>,
    /// The last field: removing the folder needs up to two open files, which the fields above have freed by then.
    removal: Removal,
}

/// Removes the folder `place` and its content when it is dropped, unless it is kept.
#[derive(Debug)]
struct Removal {
    place: PathBuf,
    is_kept: AtomicBool,
    leftover: Leftover,
}

impl Staging {
    /// Creates a staging folder in `target`, whose path is `place`.
    pub(super) fn create(target: &Dir, place: &Path) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let name = format!("{PREFIX}{:016x}", RandomState::new().hash_one(0));
            match Self::create_as(target, place, &name) {
                Err(error) if is_taken(&error) => {}
                result => return result,
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    fn create_as(target: &Dir, place: &Path, name: &str) -> io::Result<Self> {
        let place = place.join(name);
        let ((), leftover) =
            Leftover::create(|| target.create_directory(name, OWNER), |()| LeftoverKind::Folder(place.clone()))?;
        // A folder that cannot be set up, because the disk is full or too many files are open, is removed again.
        Self::set_up(target, name, Removal { place, is_kept: AtomicBool::new(false), leftover })
    }

    fn set_up(target: &Dir, name: &str, removal: Removal) -> io::Result<Self> {
        let folder = target.open_directory(name, Link::Stay)?;
        let lock = folder.create_file(LOCK, 0o600)?;
        // If the file system does not support locks, other runs cannot take the folder for a stale one either.
        if matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) || sys::is_removed(&lock)? {
            return Err(io::ErrorKind::NotFound.into());
        }
        (&lock).write_all(mark(&lock)?.as_bytes())?;
        for part in ["new", "aside"] {
            folder.create_directory(part, 0o777)?;
        }
        let new = Folders::new(folder.open_directory("new", Link::Stay)?, &removal.place.join("new"), Link::Stay);
        // The mode of the new folder reveals the umask; asking for the umask would change it for all threads.
        let umask = !new.root().metadata()?.mode & 0o777;
        let late_modes = Mutex::new(Records::create(&folder, "modes")?);
        Ok(Self { folder, new, _lock: lock, umask, late_modes, removal })
    }

    /// The path of the folder.
    pub(super) fn place(&self) -> &Path {
        &self.removal.place
    }

    /// The files and folders to be moved to the target, under their final paths.
    pub(super) fn content(&self) -> &Dir {
        self.new.root()
    }

    /// Returns the metadata of the staged file `path`.
    pub(super) fn metadata_of(&self, path: &RelativePath) -> io::Result<Metadata> {
        self.new.at(path.as_str(), |folder, name| folder.metadata_of(name, Link::Stay))
    }

    /// Creates the file `path` and the folders above it.
    pub(super) fn create_file(&self, path: &RelativePath, mode: u32) -> io::Result<File> {
        self.with_parents(path, |folder, name| folder.create_file(name, mode))
    }

    /// Opens the staged file `path` for writing.
    pub(super) fn open_file(&self, path: &RelativePath) -> io::Result<File> {
        self.new.at(path.as_str(), Dir::open_file_to_write)
    }

    /// Creates the folder `path`, or sets its mode if it already had to be created.
    pub(super) fn create_directory(&self, path: &RelativePath, mode: u32) -> io::Result<()> {
        let mode = mode & 0o777;
        if mode & OWNER != OWNER {
            self.late_modes().append(&format!("{mode:o}"), path)?;
        }
        match self.with_parents(path, |folder, name| folder.create_directory(name, mode | OWNER)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.content().set_mode_of_directory(path.as_str(), (mode | OWNER) & !self.umask)
            }
            result => result,
        }
    }

    fn with_parents<T>(&self, path: &RelativePath, make: impl Fn(&Dir, &str) -> io::Result<T>) -> io::Result<T> {
        // The folder is being removed then, which must come to an end.
        sys::wait_if_interrupted();
        match self.new.at(path.as_str(), &make) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.content().create_directories(path.parent().unwrap_or_default().as_str(), 0o755)?;
                self.new.at(path.as_str(), &make)
            }
            result => result,
        }
    }

    /// Returns the folders whose modes are set last, with these modes.
    pub(super) fn take_late_modes(&self) -> io::Result<Vec<(u32, RelativePath)>> {
        let records = self.late_modes().read()?;
        let mode = |tag: &str| u32::from_str_radix(tag, 8).map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
        records.into_iter().map(|(tag, path)| Ok((mode(&tag)? & !self.umask, path))).collect()
    }

    fn late_modes(&self) -> MutexGuard<'_, Records> {
        self.late_modes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates the journal of changes to the target.
    pub(super) fn create_journal(&self) -> io::Result<Records> {
        Records::create(&self.folder, "journal")
    }

    /// Moves the file or folder `path` of `target` aside, under a number.
    pub(super) fn take_aside(&self, target: &Dir, path: &RelativePath, number: usize) -> io::Result<()> {
        target.rename(path.as_str(), &self.folder, &aside(number))
    }

    /// Replaces the file `path` of `target` by the new one, and keeps the old one aside under a number.
    ///
    /// If the process is killed at any moment, the path has either the old or the new file; on a file system without
    /// hard links the path may be missing for a moment.
    pub(super) fn replace(&self, target: &Dir, path: &RelativePath, number: usize) -> io::Result<()> {
        if target.link(path.as_str(), &self.folder, &aside(number)).is_err() {
            self.take_aside(target, path, number)?;
        }
        self.content().rename_over(path.as_str(), target, path.as_str()).or_else(|error| {
            self.put_back(target, path, number)?;
            Err(error)
        })
    }

    /// Moves the file that was kept aside back to its path.
    pub(super) fn put_back(&self, target: &Dir, path: &RelativePath, number: usize) -> io::Result<()> {
        self.folder.rename_over(&aside(number), target, path.as_str())
    }

    /// Leaves the folder on the disk permanently, because it contains files that could not be restored.
    pub(super) fn keep(&self) -> io::Result<()> {
        self.removal.is_kept.store(true, Ordering::Relaxed);
        self.removal.leftover.release();
        self.folder.remove_file(LOCK)
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        if !self.is_kept.load(Ordering::Relaxed) {
            // An empty folder can be removed even when no further file can be opened. A folder that cannot be removed
            // now is stale for the next run; the result of this one is already decided.
            drop(fs_err::remove_dir(&self.place).or_else(|_| remove_all(&self.place)));
        }
    }
}

/// Removes the folder `place`, and its lock file last: if the process is killed on the way, the next run still
/// recognises the rest as stale.
fn remove_all(place: &Path) -> io::Result<()> {
    for entry in fs_err::read_dir(place)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs_err::remove_dir_all(entry.path())?;
        } else if entry.file_name() != LOCK {
            fs_err::remove_file(entry.path())?;
        }
    }
    fs_err::remove_dir_all(place)
}

/// Removes the staging folders in `target`, whose path is `place`, that no running process holds.
///
/// Errors are ignored: folders of other users cannot be removed, and a target that cannot be listed can still be
/// written to.
pub(super) fn remove_stale(target: &Dir, place: &Path) {
    let is_staging = |name: &str| name.starts_with(PREFIX);
    for name in target.some_names(".", usize::MAX, is_staging).unwrap_or_default() {
        drop(remove_if_stale(target, place, &name));
    }
}

fn remove_if_stale(target: &Dir, place: &Path, name: &str) -> io::Result<()> {
    let folder = target.open_directory(name, Link::Stay)?;
    match folder.open_file(LOCK, Link::Stay) {
        // Another process is using it.
        Ok(lock) if lock.try_lock().is_err() => Ok(()),
        Ok(lock) if is_own(&lock)? => remove_all(&place.join(name)),
        // Its process was killed between creating the lock and marking it, and nothing else is in the folder.
        Ok(lock) if Metadata::of(&lock)?.size == 0 && folder.some_names(".", 2, |_| true)?.len() == 1 => {
            folder.remove_file(LOCK)?;
            target.remove_directory(name)
        }
        // The folder comes from elsewhere.
        Ok(_) => Ok(()),
        // Its process was killed before it created the lock, or is just about to, and then notices.
        Err(error) if error.kind() == io::ErrorKind::NotFound => target.remove_directory(name),
        Err(error) => Err(error),
    }
}

/// The content of a lock file. A file that another program has put here, from an archive for example, cannot have it.
fn mark(lock: &File) -> io::Result<String> {
    Ok(Metadata::of(lock)?.identity.map_or_else(String::new, |identity| identity.inode.to_string()))
}

fn is_own(lock: &File) -> io::Result<bool> {
    let mut text = String::new();
    lock.take(MARK_BYTES).read_to_string(&mut text)?;
    Ok(text == mark(lock)?)
}

fn aside(number: usize) -> String {
    format!("aside/{number}")
}

fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound)
}
