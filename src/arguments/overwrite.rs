//! The flags that say what becomes of files that are in the way.

use clap::Args;

use kit_core::archive::Overwrite;

/// What to do with files that differ. None of both: nothing is written.
#[derive(Debug, Args)]
pub(crate) struct OverwriteArgs {
    /// Overwrite files that differ
    #[arg(short, long)]
    overwrite: bool,
    /// Keep files that differ
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
