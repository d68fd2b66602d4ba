//! The error for a ModelKit without the signature or the attestation that is asked for.

use std::fmt;

/// A ModelKit without the signature or the attestation that is asked for.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` is not {missing}")]
pub(crate) struct NotSigned {
    /// The name of the ModelKit.
    pub(crate) name: String,
    /// A description of what is missing.
    pub(crate) missing: String,
    /// The documents beside the ModelKit.
    pub(crate) source: Beside,
}

/// The documents beside a ModelKit and the reasons why they do not count: a line each.
#[derive(Debug)]
pub(crate) struct Beside(pub(crate) String);

impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Beside {}
