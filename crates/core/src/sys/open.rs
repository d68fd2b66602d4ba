//! Files that need more than the usual flags when they are opened.

use std::io;
use std::path::Path;

use fs_err::{File, OpenOptions};

/// Opens `path` for reading and writing. A file that does not exist yet is created, for its user only.
pub fn open_private(path: &Path) -> io::Result<File> {
    let mut options = read_and_write();
    options.create(true).truncate(false);
    created_with(&mut options, 0o600);
    options.open(path)
}

/// Creates the file `path`, which must not exist, for writing once: later only reading is permitted.
pub fn create_read_only(path: &Path) -> io::Result<File> {
    let mut options = read_and_write();
    options.create_new(true);
    created_with(&mut options, 0o444);
    options.open(path)
}

/// Opens the lock file `path`, or creates it. A symbolic link at `path` is an error: in a folder of an untrusted source
/// it could create a file elsewhere.
pub fn open_lock_file(path: &Path) -> io::Result<File> {
    let mut options = read_and_write();
    options.create(true).truncate(false);
    #[cfg(unix)]
    fs_err::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    #[cfg(not(unix))]
    if path.is_symlink() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a lock file must not be a symbolic link"));
    }
    options.open(path)
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
    use super::super::permissions::mode_of;
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
    }
}
