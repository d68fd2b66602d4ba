//! The reasons why a ModelKit cannot be signed.

use crate::progress::human;
use crate::trust::KeyError;

/// The reason why a ModelKit cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The key cannot sign.
    #[error(transparent)]
    Key(KeyError),
    /// cosign signs payloads with Ed25519ph, and nothing verifies a pure Ed25519 signature of them.
    #[error("Ed25519 keys cannot sign in the form of cosign 2; sign with a bundle")]
    LegacyEd25519,
    /// The bundle would be too large to be read again.
    #[error("the bundle would have {}; at most {} are read", human(*size), human(*limit))]
    TooLarge {
        /// The size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
}
