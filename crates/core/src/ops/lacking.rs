//! The blobs that an archive leaves out and its target does not have.

use std::fmt;

use crate::progress::human;

/// What an archive lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The blobs in words, with their sizes.
    pub blobs: Vec<(String, u64)>,
    /// What the other side was said to have, if all that is missing was left out for that.
    pub since: Option<String>,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// More than these are counted.
        const SHOWN: usize = 20;
        for (label, size) in self.blobs.iter().take(SHOWN) {
            write!(f, "\n  {label} ({})", human(*size))?;
        }
        match self.blobs.len() {
            more @ SHOWN.. if more > SHOWN => write!(f, "\n  and {} more", more - SHOWN),
            _ => Ok(()),
        }
    }
}
