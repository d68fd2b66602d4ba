//! The free space of a disk.

use std::path::Path;

/// Returns the free bytes that the file system of `folder`, which need not exist yet, reports for this user.
///
/// Some file systems, among them virtual ones such as `/proc`, report 0 for an unknown number; this returns `None` for
/// them.
#[cfg(unix)]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let existing = folder.ancestors().find(|path| path.exists())?;
    let space = rustix::fs::statvfs(existing).ok()?;
    // The last blocks are reserved for root.
    let blocks = if rustix::process::geteuid().is_root() { space.f_bfree } else { space.f_bavail };
    // A file system that is not on a disk, such as /proc, has no blocks at all.
    (space.f_blocks > 0).then(|| blocks.saturating_mul(space.f_frsize))
}

/// Returns the free bytes of the volume of `folder`, which need not exist yet, that the quota of this user permits.
#[cfg(windows)]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let existing = folder.ancestors().find(|path| path.exists())?;
    fs4::available_space(existing).ok().filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_does_not_exist_yet_has_the_space_of_its_disk() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(&folder.path().join("not/there/yet")).is_some());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_that_reports_no_space_is_unknown() {
        assert_eq!(free_bytes(Path::new("/proc")), None);
    }
}
