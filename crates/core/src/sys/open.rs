//! Files that need more than the usual flags when they are opened.

use std::io::{self, Write};
use std::path::Path;

use fs_err::{File, OpenOptions};

use super::permissions::MARK;
#[cfg(unix)]
use super::permissions::mode_of;
use super::regular;
use super::sync::sync_file;

/// Opens `path` for reading and writing. A file that does not exist yet is created, for its user only.
pub fn open_private(path: &Path) -> io::Result<File> {
    let mut options = read_and_write();
    options.create(true).truncate(false);
    created_with(&mut options, 0o600);
    options.open(path)
}

/// Writes `content` to the new file `path`, which must not exist, and removes the file again if that fails. `mode`
/// applies before the umask.
pub fn write_new_file(path: &Path, mode: u32, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    created_with(&mut options, mode);
    let mut file = options.open(path)?;
    file.write_all(content).and_then(|()| sync_file(file.file())).inspect_err(|_| {
        // The failure to write is reported; an incomplete file that stays is found by the next attempt.
        drop(fs_err::remove_file(path));
    })
}

/// Creates the file `path`, which must not exist, for writing once: later only reading is permitted.
pub fn create_read_only(path: &Path) -> io::Result<File> {
    let mut options = read_and_write();
    options.create_new(true);
    created_with(&mut options, 0o444);
    options.open(path)
}

/// Opens the lock file `path`, or creates it. A symbolic link at `path` is an error: in a folder of an untrusted source
/// it could create a file elsewhere. So is a FIFO or a device.
///
/// Only users who can write to the folder can open the file: a lock can be taken by everyone who can read its file.
pub fn open_lock_file(path: &Path) -> io::Result<File> {
    open_lock_file_with(path, 0)
}

/// Like [`open_lock_file`]. A new file has the [`MARK`].
pub fn open_marked_lock_file(path: &Path) -> io::Result<File> {
    open_lock_file_with(path, MARK)
}

fn open_lock_file_with(path: &Path, mark: u32) -> io::Result<File> {
    let mut options = read_and_write();
    options.create(true).truncate(false);
    #[cfg(unix)]
    regular::without_waiting(&mut options, rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    #[cfg(not(unix))]
    if path.is_symlink() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a lock file must not be a symbolic link"));
    }
    created_with(&mut options, 0o600 | mark);
    let file = options.open(path).map_err(|error| regular::explained(error, path))?;
    regular::expect_regular(&file)?;
    restrict(&file, path)?;
    Ok(file)
}

/// Gives the lock file at `path` the permissions of the users who can write to its folder.
#[cfg(unix)]
fn restrict(file: &File, path: &Path) -> io::Result<()> {
    let folder = path.parent().map(fs_err::metadata).transpose()?;
    let writers = folder.map_or(0, |folder| mode_of(&folder) & 0o022);
    // They open it for reading as well.
    let found = mode_of(&file.metadata()?);
    let mode = 0o600 | writers | writers << 1 | found & MARK;
    if found != mode {
        // Only its owner can change it; another user cannot do better than to use it as it is.
        drop(file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode)));
    }
    Ok(())
}

/// Does nothing: the file has the permissions of its folder.
#[cfg(not(unix))]
fn restrict(_file: &File, _path: &Path) -> io::Result<()> {
    Ok(())
}

fn read_and_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    options
}

#[cfg(unix)]
fn created_with(options: &mut OpenOptions, mode: u32) {
    fs_err::os::unix::fs::OpenOptionsExt::mode(options, mode);
}

/// Does nothing: a new file has the permissions of its folder.
#[cfg(not(unix))]
fn created_with(_options: &mut OpenOptions, _mode: u32) {}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn mode(file: &File) -> u32 {
        mode_of(&file.metadata().unwrap())
    }

    #[test]
    fn files_are_created_with_their_modes() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(mode(&open_private(&folder.path().join("private")).unwrap()), 0o600);
        let path = folder.path().join("once");
        assert_eq!(mode(&create_read_only(&path).unwrap()) & 0o333, 0);
        assert_eq!(create_read_only(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_link_is_not_a_lock_file() {
        let folder = tempfile::tempdir().unwrap();
        let (lock, link) = (folder.path().join("lock"), folder.path().join("link"));
        fs_err::os::unix::fs::symlink("elsewhere", &link).unwrap();
        assert!(open_lock_file(&link).is_err());
        assert!(!folder.path().join("elsewhere").exists());
        open_lock_file(&lock).unwrap();
        open_lock_file(&lock).unwrap();
        assert!(open_lock_file(Path::new("/dev/null")).unwrap_err().to_string().contains("not a regular file"));
    }

    #[test]
    fn a_lock_file_belongs_to_those_who_can_write_to_its_folder() {
        for (folder_mode, expected) in [(0o755, 0o600), (0o700, 0o600), (0o775, 0o660), (0o777, 0o666)] {
            let folder = tempfile::tempdir().unwrap();
            super::super::permissions::set_mode(folder.path(), folder_mode).unwrap();
            let path = folder.path().join("lock");
            fs_err::write(&path, "").unwrap();
            super::super::permissions::set_mode(&path, 0o644).unwrap();
            assert_eq!(mode(&open_lock_file(&path).unwrap()), expected, "{folder_mode:o}");
            fs_err::remove_file(&path).unwrap();
            assert_eq!(mode(&open_lock_file(&path).unwrap()), expected, "{folder_mode:o}");
        }
    }
}
