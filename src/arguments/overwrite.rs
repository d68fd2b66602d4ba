//! The flags for existing files that differ.

use anyhow::Result;
use clap::Args;

use crate::output::usage;
use kit_core::archive::Overwrite;

/// The handling of existing files that differ. Without either flag, they are an error and nothing is written.
#[derive(Debug, Args)]
pub(crate) struct OverwriteArgs {
    /// Overwrite existing files that differ
    #[arg(short, long)]
    overwrite: bool,
    /// Keep existing files that differ
    #[arg(short, long)]
    ignore_existing: bool,
}

impl OverwriteArgs {
    pub(crate) fn choice(&self) -> Result<Overwrite> {
        choose(self.overwrite, self.ignore_existing)
    }
}

/// Returns the handling of existing files for `--overwrite` and `--ignore-existing`, which exclude each other. Clap
/// would refuse `--overwrite=false --ignore-existing` as well.
pub(crate) fn choose(overwrite: bool, ignore_existing: bool) -> Result<Overwrite> {
    match (overwrite, ignore_existing) {
        (true, true) => Err(usage("--overwrite and --ignore-existing exclude each other")),
        (true, false) => Ok(Overwrite::Replace),
        (false, true) => Ok(Overwrite::Keep),
        (false, false) => Ok(Overwrite::Refuse),
    }
}
