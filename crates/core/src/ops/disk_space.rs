//! A check for free disk space before a write, so that a user does not wait an hour for the failure.

use std::path::Path;

use super::error::Error;

/// Fails if the file system of `folder`, which need not exist yet, certainly has less than `needed` bytes free.
///
/// A quota that is not reported, or compression by the file system, is not taken into account.
pub(super) fn check(folder: &Path, needed: u64) -> Result<(), Error> {
    match free_bytes(folder) {
        Some(free) if free < needed => Err(Error::NoRoom { folder: folder.to_owned(), needed, free }),
        _ => Ok(()),
    }
}

/// The free bytes that the file system reports. Some file systems, among them virtual ones such as `/proc`, report 0
/// for an unknown number; this returns `None` for them.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|path| path.exists())?;
    let space = rustix::fs::statvfs(there).ok()?;
    // The last blocks are reserved for root.
    let blocks = if rustix::process::geteuid().is_root() { space.f_bfree } else { space.f_bavail };
    Some(blocks.saturating_mul(space.f_frsize)).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_certainly_does_not_fit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("not/there/yet");
        assert!(check(&missing, 0).is_ok());
        let error = check(&missing, u64::MAX).unwrap_err();
        assert!(matches!(error, Error::NoRoom { folder, needed: u64::MAX, .. } if folder == missing));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_that_does_not_know_is_believed_to_have_room() {
        assert_eq!(free_bytes(Path::new("/proc")), None);
        assert!(check(Path::new("/proc"), u64::MAX).is_ok());
    }
}
