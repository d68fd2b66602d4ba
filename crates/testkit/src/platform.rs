//! Links and permission bits, so that tests of them compile on every platform. A test that cannot do without them is
//! ignored on Windows with its reason: `#[cfg_attr(windows, ignore = "…")]`.

use std::path::{Path, PathBuf};

#[cfg(unix)]
pub use std::os::unix::fs::symlink;
#[cfg(windows)]
pub use windows::symlink;

/// True where paths, and the commands of a shell, are those of Windows.
pub const IS_WINDOWS: bool = cfg!(windows);

/// A path that begins with `/`, made absolute: Windows needs a drive.
pub fn absolute(path: &str) -> PathBuf {
    if IS_WINDOWS { format!("C:{path}").into() } else { path.into() }
}

/// Sets the permission bits of a file or folder. Windows has none: there, nothing is done.
pub fn set_mode(path: impl AsRef<Path>, mode: u32) {
    #[cfg(unix)]
    fs_err::set_permissions(path.as_ref(), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    #[cfg(windows)]
    assert!(path.as_ref().exists(), "no file to give the mode {mode:o}");
}

/// Expects a file or folder to have these permission bits. Windows has none: there, it only has to exist.
#[track_caller]
pub fn assert_mode(path: impl AsRef<Path>, mode: u32) {
    let metadata = fs_err::metadata(path.as_ref()).unwrap();
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777, mode);
    #[cfg(windows)]
    assert!(metadata.is_file() || metadata.is_dir(), "no file with the mode {mode:o}");
}

/// The disk space of a file in bytes.
#[cfg(unix)]
pub fn disk_bytes(path: &std::path::Path) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(&path.metadata().unwrap()) * 512
}

/// The size of a file in bytes: its disk space is not reported.
#[cfg(windows)]
pub fn disk_bytes(path: &std::path::Path) -> u64 {
    path.metadata().unwrap().len()
}

#[cfg(windows)]
mod windows {
    use std::io;
    use std::path::Path;

    /// Creates a symbolic link, for which Windows requires a privilege.
    pub fn symlink(target: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
        let target = target.as_ref();
        let is_folder = link.as_ref().parent().is_some_and(|folder| folder.join(target).is_dir());
        if is_folder {
            std::os::windows::fs::symlink_dir(target, link)
        } else {
            std::os::windows::fs::symlink_file(target, link)
        }
    }
}
