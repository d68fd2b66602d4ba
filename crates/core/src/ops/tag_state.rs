//! The state of a tag in a registry, for compare-and-move.

use std::fmt;
use std::str::FromStr;

use crate::digest::{Digest, ParseError};

/// What a tag points to: a manifest, or nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagState {
    /// There is no such tag.
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
