//! The output of `--dry-run`: a line for each blob on standard output, and the totals.

use anyhow::Result;

use crate::output::{Output, one_line};
use kit_core::ops::{BlobAction, Plan};
use kit_core::progress::human;

/// The flag.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct DryRunArgs {
    /// Show which blobs would be sent, mounted or skipped, without changing anything
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Prints `plan`. Scripts rely on the words and columns: action, size in bytes, digest, description.
pub(crate) fn show(output: &Output, plan: &Plan) -> Result<()> {
    for blob in &plan.blobs {
        let (word, origin) = match &blob.action {
            BlobAction::Send => ("send", String::new()),
            BlobAction::Mount(origin) => ("mount", format!(" from {origin}")),
            BlobAction::Present => ("skip", String::new()),
        };
        let (size, digest) = (blob.descriptor.size, blob.descriptor.digest);
        output.result(format!("{word:<5} {size:>14} {digest} {}{origin}", one_line(&blob.label)))?;
    }
    output.say(&format!(
        "{} would be sent, {} mounted, {} skipped; nothing was changed",
        human(plan.bytes(|action| *action == BlobAction::Send)),
        human(plan.bytes(|action| matches!(action, BlobAction::Mount(_)))),
        human(plan.bytes(|action| *action == BlobAction::Present)),
    ));
    Ok(())
}
