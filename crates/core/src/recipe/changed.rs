//! The one thing that goes wrong with recipes and with nothing else.

use std::io;
use std::path::PathBuf;

/// A file is not the one that was packed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Changed {
    /// The system says something else of it.
    #[error("`{}` changed since it was packed", .0.display())]
    Content(PathBuf),
    /// It has another name, or none.
    #[error("`{}` is gone since it was packed", .0.display())]
    Gone(PathBuf),
}

impl Changed {
    /// Whether `error` was made from a `Changed`.
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<Changed> for io::Error {
    fn from(changed: Changed) -> Self {
        Self::new(io::ErrorKind::InvalidData, changed)
    }
}
