//! The identity of a file, which stays the same when the file is renamed.

use std::fs::File;
use std::io;
use std::path::Path;

use super::metadata::Metadata;

/// The device and the inode of a file. No two existing files have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    pub device: u64,
    pub inode: u64,
}

impl FileIdentity {
    /// Returns the identity in metadata of the standard library. `None` if the platform does not report it.
    #[cfg(unix)]
    #[expect(clippy::unnecessary_wraps, reason = "not every platform reports it")]
    pub(super) fn of(metadata: &std::fs::Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self { device: metadata.dev(), inode: metadata.ino() })
    }

    /// Returns `None`: only an open file has an identity, see [`of_open`](Self::of_open).
    #[cfg(windows)]
    pub(super) fn of(_metadata: &std::fs::Metadata) -> Option<Self> {
        None
    }

    /// Returns the serial number of the volume and the index of an open file there.
    #[cfg(windows)]
    pub(super) fn of_open(file: &File) -> Option<Self> {
        let found = winapi_util::file::information(file).ok()?;
        Some(Self { device: found.volume_serial_number(), inode: found.file_index() })
    }
}

/// Prevents that another file gets the identity of a file, which is kept open for it. Windows needs nothing: NTFS
/// counts how often it uses an index again, and could not replace an open file.
#[derive(Debug)]
pub struct IdentityHold(
    #[cfg(unix)]
    #[expect(dead_code, reason = "it only has to be open")]
    File,
);

impl IdentityHold {
    /// Keeps the identity of `file`.
    pub fn of(file: File) -> Self {
        #[cfg(windows)]
        drop(file);
        Self(
            #[cfg(unix)]
            file,
        )
    }
}

/// Returns true if `path` leads to the open `file`, which may have been renamed, replaced or removed in the meantime.
pub fn is_still_at(file: &File, path: &Path) -> io::Result<bool> {
    let opened = Metadata::of(file)?;
    match Metadata::at(path) {
        Ok(found) => Ok(opened.identity == found.identity),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns true if the open `file` has no name any more.
#[cfg(unix)]
pub fn is_removed(file: &File) -> io::Result<bool> {
    Ok(rustix::fs::fstat(file)?.st_nlink == 0)
}

/// Returns true if the open `file` has no name any more.
#[cfg(windows)]
pub fn is_removed(file: &File) -> io::Result<bool> {
    Ok(winapi_util::file::information(file)?.number_of_links() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(windows, ignore = "wine 8 does not report the volume of an open file that was renamed")]
    fn a_renamed_file_is_not_at_its_old_path_and_a_removed_one_has_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        let file = fs_err::File::create(&old).unwrap();
        assert!(is_still_at(file.file(), &old).unwrap());
        fs_err::rename(&old, &new).unwrap();
        assert!(!is_still_at(file.file(), &old).unwrap());
        assert!(is_still_at(file.file(), &new).unwrap());
        assert!(!is_removed(file.file()).unwrap());
        fs_err::remove_file(&new).unwrap();
        assert!(is_removed(file.file()).unwrap());
    }

    #[test]
    #[cfg_attr(windows, ignore = "wine 8 does not replace an open file")]
    fn another_file_at_the_path_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = fs_err::File::create(&path).unwrap();
        fs_err::write(folder.path().join("other"), "").unwrap();
        fs_err::rename(folder.path().join("other"), &path).unwrap();
        assert!(!is_still_at(file.file(), &path).unwrap());
    }
}
