//! The state of a tag in a registry, for moving a tag only if it still has the expected state.

use std::fmt;
use std::str::FromStr;

use crate::digest::{Digest, ParseError};

/// The target of a tag: a manifest, or nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagState {
    /// The tag does not exist.
    Absent,
    /// The tag points to this manifest.
    At(Digest),
}

impl FromStr for TagState {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text == "none" { Ok(Self::Absent) } else { text.parse().map(Self::At) }
    }
}

impl fmt::Display for TagState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("nothing"),
            Self::At(digest) => write!(f, "{digest}"),
        }
    }
}
