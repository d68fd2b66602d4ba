//! The blobs that an archive leaves out and its target does not have.

use std::fmt;

use crate::problem::printable;
use crate::progress::human;

/// The content that an archive lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// A label for each blob, and its size in bytes.
    pub blobs: Vec<(String, u64)>,
    /// The ModelKit or archive that the receiver was said to have, if every missing blob was left out because of it.
    pub since: Option<String>,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// At most this many blobs are listed; of the others only the number is given.
        const SHOWN: usize = 20;
        for (label, size) in self.blobs.iter().take(SHOWN) {
            write!(f, "\n  {} ({})", printable(label), human(*size))?;
        }
        match self.blobs.len() {
            more @ SHOWN.. if more > SHOWN => write!(f, "\n  and {} more", more - SHOWN),
            _ => Ok(()),
        }
    }
}
