//! The reasons why a ModelKit cannot be signed.

use crate::progress::human;
use crate::trust::KeyError;

/// The reason why a ModelKit cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The key cannot sign.
    #[error(transparent)]
    Key(KeyError),
    /// The bundle would be too large to be read again.
    #[error("the bundle would have {}; at most {} are read", human(*size), human(*limit))]
    TooLarge {
        /// The size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
}
