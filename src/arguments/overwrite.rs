//! The flags for existing files that differ.

use clap::Args;

use kit_core::archive::Overwrite;

/// The handling of existing files that differ. Without either flag, they are an error and nothing is written.
#[derive(Debug, Args)]
pub(crate) struct OverwriteArgs {
    /// Overwrite existing files that differ
    #[arg(short, long)]
    overwrite: bool,
    /// Keep existing files that differ, even with --overwrite
    #[arg(short, long)]
    ignore_existing: bool,
}

impl OverwriteArgs {
    pub(crate) fn choice(&self) -> Overwrite {
        choose(self.overwrite, self.ignore_existing)
    }
}

/// Returns the handling of existing files for `--overwrite` and `--ignore-existing`, which takes precedence, as in
/// `KitOps`.
pub(crate) fn choose(overwrite: bool, ignore_existing: bool) -> Overwrite {
    match (overwrite, ignore_existing) {
        (_, true) => Overwrite::Keep,
        (true, false) => Overwrite::Replace,
        (false, false) => Overwrite::Refuse,
    }
}
