//! A check for free disk space before a write, so that a user does not wait an hour for the failure.

use std::path::Path;

use super::error::Error;
use crate::sys;

/// Fails if the file system of `folder`, which need not exist yet, certainly has less than `needed` bytes free.
///
/// A quota that is not reported, or compression by the file system, is not taken into account.
pub(super) fn check(folder: &Path, needed: u64) -> Result<(), Error> {
    match sys::free_bytes(folder) {
        Some(free) if free < needed => Err(Error::NoRoom { folder: folder.to_owned(), needed, free }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_certain_lack_of_space_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("not/there/yet");
        assert!(check(&missing, 0).is_ok());
        let error = check(&missing, u64::MAX).unwrap_err();
        assert!(matches!(error, Error::NoRoom { folder, needed: u64::MAX, .. } if folder == missing));
    }
}
