//! The reasons why a ModelKit cannot be signed.

use jiff::Timestamp;

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
    /// A notice of the same key is not older, so that the new one would not count.
    #[error("the newest notice of this key is of {newest}, which is not before {time}; check the clock")]
    NotNewest {
        /// The time of the newest notice.
        newest: Timestamp,
        /// The time of the new one.
        time: Timestamp,
    },
    /// The bundle would be too large to be read again.
    #[error("the bundle would have {}; at most {} are read", human(*size), human(*limit))]
    TooLarge {
        /// The size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
}
