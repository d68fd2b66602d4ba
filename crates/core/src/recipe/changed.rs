//! The errors of reading files that other programs may write to: a file has changed.

use std::io;
use std::path::PathBuf;

/// A file that is not the one that was packed, or not one content from beginning to end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Changed {
    /// The size, the inode or a time stamp of the file is different.
    #[error("`{}` changed since it was packed", .0.display())]
    Content(PathBuf),
    /// There is no file at the path any more.
    #[error("`{}` is gone since it was packed", .0.display())]
    Gone(PathBuf),
    /// The size or a time stamp of the file changed between its first and its last byte.
    #[error("`{}` changed while it was read", .0.display())]
    WhileRead(PathBuf),
}

impl Changed {
    /// Returns the `Changed` that `error` was created from, if any.
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<Changed> for io::Error {
    fn from(changed: Changed) -> Self {
        Self::new(io::ErrorKind::InvalidData, changed)
    }
}
