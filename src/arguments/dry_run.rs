//! What `--dry-run` prints: a line per blob on standard output, and the sums.

use anyhow::Result;

use crate::output::Output;
use kit_core::ops::{BlobAction, Plan};
use kit_core::progress::human;

/// The flag.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct DryRunArgs {
    /// Only show which blobs would be sent, mounted or skipped, in bytes; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Prints `plan`. Words and columns are for scripts, too: what becomes of the blob, its bytes, its digest, what it is.
pub(crate) fn show(output: &Output, plan: &Plan) -> Result<()> {
    for blob in &plan.blobs {
        let (word, origin) = match &blob.action {
            BlobAction::Send => ("send", String::new()),
            BlobAction::Mount(origin) => ("mount", format!(" from {origin}")),
            BlobAction::Present => ("skip", String::new()),
        };
        let (size, digest) = (blob.descriptor.size, blob.descriptor.digest);
        output.result(format!("{word:<5} {size:>14} {digest} {}{origin}", blob.label))?;
    }
    output.say(&format!(
        "{} would be sent, {} mounted, {} skipped; nothing was changed",
        human(plan.bytes(|action| *action == BlobAction::Send)),
        human(plan.bytes(|action| matches!(action, BlobAction::Mount(_)))),
        human(plan.bytes(|action| *action == BlobAction::Present)),
    ));
    Ok(())
}
