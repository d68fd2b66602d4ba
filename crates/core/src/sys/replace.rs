//! Atomic replacement of small files: concurrent readers see either the old or the new file.

use std::fs::{Permissions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;

use super::interruption::TemporaryFile;
use super::open::open_lock_file;
use super::sync::sync_file;

/// The prefix of the new file until it replaces the old one.
const PREFIX: &str = ".kit-write-";

/// Replaces the file at `path` by `content` atomically. The file keeps its permissions, and symbolic links to it remain
/// links, also if it does not exist yet. A new file has the permissions of any file that the user creates. A device or
/// a pipe is written to.
pub fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let (path, permissions) = match fs::canonicalize(path) {
        Ok(_) if !fs::metadata(path)?.is_file() => return fs::write(path, content),
        Ok(path) => (path.clone(), Some(fs::metadata(&path)?.permissions())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (end_of_links(path), None),
        Err(error) => return Err(error),
    };
    write_and_rename(&path, 0o666, content, permissions)
}

/// Replaces the file at `path` by `content` atomically. Only its user may access the new file. Missing folders are
/// created, for the user only, and symbolic links to the file remain links.
pub fn replace_private_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| end_of_links(path));
    super::permissions::create_dir_all(folder_of(&path), 0o700)?;
    write_and_rename(&path, 0o600, content, None)
}

/// Waits for the lock on changes to the small file `path`, and holds it until the result is dropped. Each change
/// replaces the file, so the lock is another file beside it. Missing folders are created, for the user only.
pub fn lock_for_change(path: &Path) -> io::Result<fs::File> {
    let file = lock_file_for(path)?;
    file.file().lock()?;
    Ok(file)
}

/// Takes the same lock as [`lock_for_change`], or returns `None` if another process holds it.
pub fn try_lock_for_change(path: &Path) -> io::Result<Option<fs::File>> {
    let file = lock_file_for(path)?;
    match file.file().try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn lock_file_for(path: &Path) -> io::Result<fs::File> {
    super::permissions::create_dir_all(folder_of(path), 0o700)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    open_lock_file(Path::new(&name))
}

/// The path of the file that a program creates or opens by writing to `path`: symbolic links are followed, even if the
/// last one leads to nothing.
pub fn end_of_links(path: &Path) -> PathBuf {
    /// The limit of Linux (`path_resolution(7)`).
    const MOST_LINKS: usize = 40;
    let next = |path: &PathBuf| fs::read_link(path).ok().map(|target| folder_of(path).join(target));
    let path = path.to_owned();
    std::iter::successors(Some(path.clone()), next).take(MOST_LINKS + 1).last().unwrap_or(path)
}

/// Removes the folder, in which the lock is. Where Windows keeps the name of an open file until it is closed, which it
/// does on other file systems than NTFS, the lock is removed last, and protects nothing at that moment.
pub fn remove_with_lock(folder: &Path, lock: fs::File) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if cfg!(windows) && error.kind() == io::ErrorKind::DirectoryNotEmpty => {
            drop(lock);
            fs::remove_dir_all(folder)
        }
        result => result,
    }
}

/// Renames `from`, and replaces a file or an empty folder that is at `to`.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patiently((), |()| {
        let renamed = fs::rename(from, to);
        // Not all file systems of Windows replace a folder.
        if cfg!(windows) && renamed.is_err() && from.is_dir() && fs::remove_dir(to).is_ok() {
            return fs::rename(from, to).map_err(|error| (error, ()));
        }
        renamed.map_err(|error| (error, ()))
    })
}

/// Does a step that fails on Windows while another process, such as a reader or a virus scanner, has the file open. It
/// is repeated for a few seconds, as git does it (`mingw_rename`). A step that fails returns what it needs again.
pub(in crate::sys) fn patiently<R, T>(
    needed: R,
    mut step: impl FnMut(R) -> Result<T, (io::Error, R)>,
) -> io::Result<T> {
    /// `ERROR_SHARING_VIOLATION`.
    const IN_USE: i32 = 32;
    const ATTEMPTS: u32 = 500;
    const PAUSE: Duration = Duration::from_millis(10);
    let is_in_use =
        |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied || error.raw_os_error() == Some(IN_USE);
    let (mut needed, mut attempts) = (needed, 1);
    loop {
        match step(needed) {
            Ok(done) => return Ok(done),
            Err((error, again)) if cfg!(windows) && attempts < ATTEMPTS && is_in_use(&error) => needed = again,
            Err((error, _)) => return Err(error),
        }
        attempts += 1;
        std::thread::sleep(PAUSE);
    }
}

fn write_and_rename(path: &Path, mode: u32, content: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let mut file = TemporaryFile::create(folder_of(path), PREFIX, mode)?;
    file.write_all(content)?;
    if let Some(permissions) = permissions {
        file.as_file().set_permissions(permissions)?;
    }
    sync_file(file.as_file())?;
    file.persist(path)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::super::permissions::{mode_of, set_mode};
    use super::*;

    fn mode(path: &Path) -> u32 {
        mode_of(&fs::metadata(path).unwrap())
    }

    #[test]
    fn a_replaced_file_keeps_its_permissions_and_the_links_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        replace_file(&path, b"old").unwrap();
        set_mode(&path, 0o640).unwrap();
        fs::os::unix::fs::symlink("file", &link).unwrap();
        replace_file(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(mode(&path), 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_link_to_nothing_stays_a_link_and_its_target_is_created() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        fs::os::unix::fs::symlink("sub/second", at("first")).unwrap();
        fs::os::unix::fs::symlink("file", at("sub/second")).unwrap();
        assert_eq!(end_of_links(&at("first")), at("sub/file"));
        assert_eq!(end_of_links(&at("none")), at("none"));
        replace_file(&at("first"), b"new").unwrap();
        assert!(at("first").is_symlink() && at("sub/second").is_symlink());
        assert_eq!(fs::read(at("sub/file")).unwrap(), b"new");
        fs::remove_file(at("sub/file")).unwrap();
        replace_private_file(&at("first"), b"private").unwrap();
        assert!(at("first").is_symlink());
        assert_eq!(fs::read(at("sub/file")).unwrap(), b"private");
        fs::os::unix::fs::symlink("loop", at("loop")).unwrap();
        replace_file(&at("loop"), b"x").unwrap_err();
    }

    #[test]
    fn a_private_file_is_private_whatever_it_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/file");
        replace_private_file(&path, b"old").unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        set_mode(&path, 0o666).unwrap();
        replace_private_file(&path, b"new").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
}
