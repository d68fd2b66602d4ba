//! The permission bits of files and folders.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

/// True if files have permission bits on this platform.
pub const HAS_MODES: bool = cfg!(unix);

/// Permissions of owner, group and others, and setuid, setgid and sticky.
#[cfg(unix)]
pub(super) const MODE_BITS: u32 = 0o7777;

/// The sticky bit, which has no meaning for files: a mark that a file has from the moment of its creation. No crash can
/// separate the two, as it could separate a file from anything that is written about it afterwards.
pub const MARK: u32 = 0o1000;

/// Returns true if the file has the [`MARK`].
pub fn is_marked(metadata: &Metadata) -> bool {
    mode_of(metadata) & MARK != 0
}

/// Removes the [`MARK`] of an open file.
#[cfg(unix)]
pub fn clear_mark(file: &File) -> io::Result<()> {
    let mode = mode_of(&file.metadata()?);
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode & !MARK))
}

/// Does nothing: no file has the mark.
#[cfg(not(unix))]
pub fn clear_mark(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Returns the permission bits, including setuid, setgid and sticky.
#[cfg(unix)]
pub fn mode_of(metadata: &Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata) & MODE_BITS
}

/// Returns the usual permission bits of a folder or a file, without write permissions for a read-only one.
#[cfg(not(unix))]
pub fn mode_of(metadata: &Metadata) -> u32 {
    let mode = if metadata.is_dir() { 0o755 } else { 0o644 };
    if metadata.permissions().readonly() { mode & !0o222 } else { mode }
}

/// Sets the permission bits of `path`, regardless of the umask.
#[cfg(unix)]
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs_err::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

/// Does nothing: the platform has no permission bits.
#[cfg(not(unix))]
pub fn set_mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Creates the folder `path` with `mode` less the umask, where the platform has permission bits.
pub fn create_dir(path: &Path, mode: u32) -> io::Result<()> {
    folders_with(mode).create(path)
}

/// Creates the folder `path` and the missing folders above it with `mode` less the umask, where the platform has
/// permission bits.
pub fn create_dir_all(path: &Path, mode: u32) -> io::Result<()> {
    folders_with(mode).recursive(true).create(path)
}

#[cfg(unix)]
fn folders_with(mode: u32) -> std::fs::DirBuilder {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, mode);
    builder
}

#[cfg(not(unix))]
fn folders_with(_mode: u32) -> std::fs::DirBuilder {
    std::fs::DirBuilder::new()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        mode_of(&fs_err::metadata(path).unwrap())
    }

    #[test]
    fn folders_are_created_with_their_mode() {
        let place = tempfile::tempdir().unwrap();
        create_dir_all(&place.path().join("a/b"), 0o700).unwrap();
        assert_eq!(mode(&place.path().join("a")), 0o700);
        assert_eq!(mode(&place.path().join("a/b")), 0o700);
        create_dir(&place.path().join("c"), 0o500).unwrap();
        assert_eq!(mode(&place.path().join("c")), 0o500);
        assert!(create_dir(&place.path().join("c"), 0o500).is_err());
    }

    #[test]
    fn the_umask_does_not_change_a_mode_that_is_set() {
        let file = tempfile::NamedTempFile::new().unwrap();
        set_mode(file.path(), 0o666).unwrap();
        assert_eq!(mode(file.path()), 0o666);
    }
}
