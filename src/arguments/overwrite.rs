//! The flags for existing files that differ.

use clap::Args;

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
    /// `-i` wins over `-o`, as in `KitOps`.
    pub(crate) fn choice(&self) -> Overwrite {
        match (self.ignore_existing, self.overwrite) {
            (true, _) => Overwrite::Keep,
            (false, true) => Overwrite::Replace,
            (false, false) => Overwrite::Refuse,
        }
    }
}
