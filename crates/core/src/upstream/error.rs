//! Errors of reading a file of an upstream repository.

use std::io;

use super::hub;

/// Why a file of an upstream repository could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The hub refused.
    #[error(transparent)]
    Hub(#[from] hub::Error),
    /// A file of a checkout could not be read; the source names it.
    #[error(transparent)]
    Io(#[from] io::Error),
}
