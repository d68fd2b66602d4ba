//! Links and permission bits, so that tests of them compile on every platform. On Windows, such a test is ignored with
//! its reason: `#[cfg_attr(windows, ignore = "…")]`.

#[cfg(unix)]
pub use std::os::unix::fs::{PermissionsExt, symlink};
#[cfg(windows)]
pub use windows::{PermissionsExt, symlink};

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
    use std::fs::Permissions;
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

    /// Permission bits, which Windows does not have.
    pub trait PermissionsExt: Sized {
        fn mode(&self) -> u32;
        fn set_mode(&mut self, mode: u32);
        fn from_mode(mode: u32) -> Self;
    }

    impl PermissionsExt for Permissions {
        fn mode(&self) -> u32 {
            if self.readonly() { 0o444 } else { 0o644 }
        }

        fn set_mode(&mut self, mode: u32) {
            self.set_readonly(mode & 0o200 == 0);
        }

        fn from_mode(_mode: u32) -> Self {
            panic!("a test of permission bits is ignored on Windows")
        }
    }
}
