//! The output of `--dry-run`: a line for each blob on standard output, and the totals.

use anyhow::Result;

use serde_json::json;

use crate::context::Context;
use crate::output::one_line;
use kit_core::oci::Descriptor;
use kit_core::ops::{BlobAction, Plan, TagMove, TagState};
use kit_core::progress::human;

/// The flag.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct DryRunArgs {
    /// Show which blobs would be sent, mounted or skipped, without changing anything
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Prints `plan`. Scripts rely on the words and columns: action, size in bytes, digest, description.
pub(crate) fn show(context: &Context, plan: &Plan) -> Result<()> {
    context.receipt.fact("dryRun", true);
    for blob in &plan.blobs {
        let (word, origin) = match &blob.action {
            BlobAction::Send => ("send", String::new()),
            BlobAction::Mount(origin) => ("mount", format!(" from {origin}")),
            BlobAction::Present => ("skip", String::new()),
        };
        let (size, digest) = (blob.descriptor.size, blob.descriptor.digest);
        let from = if let BlobAction::Mount(origin) = &blob.action { Some(origin.clone()) } else { None };
        let label = &blob.label;
        context.receipt.append(
            "blobs",
            json!({ "action": word, "bytes": size, "digest": digest, "description": label, "from": from }),
        );
        if !context.receipt.is_document() {
            context.output.result(format!("{word:<5} {size:>14} {digest} {}{origin}", one_line(label)))?;
        }
    }
    context.output.say(&format!(
        "{} would be sent, {} mounted, {} skipped; nothing was changed",
        human(plan.bytes(|action| *action == BlobAction::Send)),
        human(plan.bytes(|action| matches!(action, BlobAction::Mount(_)))),
        human(plan.bytes(|action| *action == BlobAction::Present)),
    ));
    Ok(())
}

/// Prints the move of a tag to a manifest, and the digest that the tag points to now.
pub(crate) fn show_move(context: &Context, planned: &TagMove) -> Result<()> {
    let TagMove { tag, manifest, before } = planned;
    let (bytes, digest) = (manifest.size, manifest.digest);
    let word = if planned.changes() { "move" } else { "keep" };
    let from = if let TagState::At(digest) = before { Some(digest) } else { None };
    context.receipt.append("tags", json!({ "action": word, "tag": tag, "digest": digest, "previousDigest": from }));
    if context.receipt.is_document() {
        return Ok(());
    }
    let from = if planned.changes() { format!(" from {before}") } else { String::new() };
    Ok(context.output.result(format!("{word:<5} {bytes:>14} {digest} {tag}{from}"))?)
}

/// Prints a manifest with the name `tag` that would be added beside the ModelKit.
pub(crate) fn show_addition(context: &Context, manifest: &Descriptor, tag: &str) -> Result<()> {
    let (bytes, digest) = (manifest.size, manifest.digest);
    let addition = json!({ "action": "add", "bytes": bytes, "digest": digest, "description": tag, "from": null });
    context.receipt.append("blobs", addition);
    if context.receipt.is_document() {
        return Ok(());
    }
    Ok(context.output.result(format!("add   {bytes:>14} {digest} {tag}"))?)
}
