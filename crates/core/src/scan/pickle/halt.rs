//! The reasons for which a walk over a pickle ends early.

use std::io;

/// The reason for which a walk ends before the end of the pickle.
#[derive(Debug)]
pub(super) enum Halt {
    /// An unpickler would fail at this place.
    Broken(String),
    /// The pickle has more of something than a limit allows.
    Limit(&'static str),
    /// Reading failed.
    Read(io::Error),
}

impl Halt {
    pub(super) fn broken(reason: &str) -> Self {
        Self::Broken(reason.to_owned())
    }

    /// The reason of a pickle that ends in the middle.
    pub(super) fn early_end() -> Self {
        Self::broken("it ends before STOP")
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}
