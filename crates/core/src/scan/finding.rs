//! A finding: the thing that a rule found in a file, and its severity.

use std::fmt;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing.
    Low,
    /// May run code or leak a credential, or could not be examined.
    Medium,
    /// Runs code or leaks a credential.
    High,
}

impl Level {
    /// The word in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A finding of a rule in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The severity.
    pub level: Level,
    /// The rule, such as `pickle-global`.
    pub rule: &'static str,
    /// The members that lead to the place, from the file inward: `["archive/data.pkl"]` in a torch archive.
    pub members: Vec<String>,
    /// The thing that was found, escaped and at most 80 characters long; never a secret.
    pub detail: String,
    /// The place in the innermost member, if it is known.
    pub place: Option<Place>,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The number of bytes before it.
    Offset(u64),
    /// The number of the line, from 1.
    Line(u64),
    /// The number of the cell of a notebook, from 1, and whether it is in its output.
    Cell {
        /// The number of the cell.
        number: u64,
        /// True for an output of the cell, false for its source.
        is_output: bool,
    },
}
