//! `--path`: the files that a command reads or writes.

use anyhow::Result;
use clap::Args;

use crate::output::usage;
use kit_core::archive::PathPatterns;

/// Patterns of files.
#[derive(Debug, Args)]
pub(crate) struct PathArgs {
    /// Only files and folders whose paths match, in the syntax of .kitignore: `*` matches within a name, `**` across
    /// folders; a leading `!` excludes (repeatable)
    #[arg(long = "path", value_name = "GLOB")]
    globs: Vec<String>,
}

impl PathArgs {
    pub(crate) fn is_empty(&self) -> bool {
        self.globs.is_empty()
    }

    pub(crate) fn patterns(&self) -> Result<PathPatterns> {
        PathPatterns::parse(&self.globs).map_err(usage)
    }
}
