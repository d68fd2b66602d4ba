//! A check for free disk space before a write, so that a user does not wait an hour for the failure.

use std::io;
use std::path::Path;

use super::error::Error;
use crate::git;
use crate::oci::ContentError;
use crate::sys;
use crate::upstream;

/// Fails if the file system of `folder`, which need not exist yet, certainly has less than `needed` bytes free.
///
/// A quota that is not reported, or compression by the file system, is not taken into account.
pub(super) fn check(folder: &Path, needed: u64) -> Result<(), Error> {
    match sys::free_bytes(folder) {
        Some(free) if free < needed => Err(Error::NoRoom { folder: folder.to_owned(), needed, free }),
        _ => Ok(()),
    }
}

/// Returns `error`, and says that `folder` is full if that is the cause.
pub(super) fn explain(folder: &Path, error: Error) -> Error {
    match error {
        Error::DiskFull { .. } => error,
        error if is_disk_full(&error) => {
            let free = sys::free_bytes(folder).unwrap_or_default();
            Error::DiskFull { folder: folder.to_owned(), free, source: Box::new(error) }
        }
        error => error,
    }
}

/// Returns true if the cause of an error is that a disk, or the share of it that the user may use, is full.
pub fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| {
        io_error(error)
            .is_some_and(|error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    })
}

/// Returns the I/O error that `error` is or wraps. That of a transparent variant is not among the sources.
fn io_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e io::Error> {
    if let Some(ContentError::Io(error)) = error.downcast_ref() {
        return Some(error);
    }
    if let Some(Error::Io(error)) = error.downcast_ref() {
        return Some(error);
    }
    if let Some(upstream::Error::Io(error)) = error.downcast_ref() {
        return Some(error);
    }
    if let Some(git::Error::Io(error)) = error.downcast_ref() {
        return Some(error);
    }
    error.downcast_ref()
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

    #[test]
    fn a_full_disk_is_recognised_in_every_error() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let errors: [Error; 4] = [
            full().into(),
            Error::writing("x", ContentError::Io(full())),
            crate::store::Error::from(full()).into(),
            crate::archive::Error::WriteLayer { source: full() }.into(),
        ];
        let folder = tempfile::tempdir().unwrap();
        for error in errors {
            let explained = explain(folder.path(), error).to_string();
            assert!(
                explained.starts_with(&format!("not enough space in `{}`: ", folder.path().display())),
                "{explained}"
            );
        }
        assert!(!is_disk_full(&Error::from(io::Error::from(io::ErrorKind::NotFound))));
    }
}
