//! The options of a scan, and its result.

use super::finding::{Finding, Level};

/// The version of the rules: the date of the tables.
pub const RULES_VERSION: &str = "2026-11-30";

/// The options of a scan.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The imports of pickles that are allowed besides those in the tables: `MODULE.NAME`, or `MODULE.*` for a module
    /// and everything below it.
    pub allowed_globals: Vec<String>,
}

/// The result of a scan of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The findings, in the order in which they were found.
    pub findings: Vec<Finding>,
    /// The members that were not read.
    pub skipped: Vec<Skipped>,
    /// True if the file is a pickle, or has one in a member, whatever it imports.
    pub has_pickle: bool,
}

impl Report {
    /// Returns the level of the worst finding, or none for a clean file.
    pub fn level(&self) -> Option<Level> {
        self.findings.iter().map(|finding| finding.level).max()
    }
}

/// A member that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The members that lead to it, from the file inward.
    pub members: Vec<String>,
    /// The reason.
    pub reason: String,
}
