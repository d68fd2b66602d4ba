//! `kit fsck`

use std::collections::HashSet;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;

use crate::arguments::ReceiptArgs;
use crate::commands::inspect::list;
use crate::context::Context;
use crate::output::{Code, Failure, counted, one_line};
use kit_core::ops::{self, Checked, Selection};
use kit_core::progress::human;
use kit_core::store::{BrokenEntry, Store};

/// Check the integrity of the local store and repair it
///
/// Reads every blob in the store and compares it with its digest. Exits with 3 if anything is damaged.
///
/// With --repair, damaged blobs are removed. A ModelKit that has other layers keeps its name and these layers: pull or
/// pack it again to complete it; until then, the exit code stays 3. A name is removed only if its manifest or all its
/// layers are lost.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit fsck
  kit fsck --repair --dry-run
  kit fsck --repair")]
pub(crate) struct FsckArgs {
    /// Remove damaged blobs, and list the ModelKits to pull or pack again
    #[arg(long)]
    repair: bool,
    /// Show what --repair would remove, without removing anything
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
}

impl FsckArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        self.receipt.begin(context)?;
        let store = context.store()?;
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let checked =
            ops::check(&store, self.repairs(), jobs, &context.bars).context("cannot check the local store")?;
        for digest in &checked.damaged {
            context.receipt.append("damaged", digest.to_string().into());
            context.receipt.data_line(&context.output, format!("damaged {digest}"))?;
        }
        for broken in &checked.broken {
            let name = name(broken);
            let blobs: Vec<_> = broken.blobs.iter().map(ToString::to_string).collect();
            let facts = json!({ "name": name, "blobs": blobs, "recoverable": broken.is_recoverable });
            context.receipt.append("broken", facts);
            context.receipt.data_line(&context.output, format!("broken {}: {}", one_line(&name), blobs.join(", ")))?;
        }
        for (name, error) in &checked.wrong_tables {
            context.receipt.append("wrongTables", name.clone().into());
            let line = format!("wrong table of contents in {name}: {}", with_causes(error));
            context.receipt.data_line(&context.output, line)?;
        }
        for change in &checked.changes {
            context.receipt.append("changed", change.to_string().into());
            context.receipt.data_line(&context.output, format!("changed: {}", one_line(&change.to_string())))?;
        }
        if !context.receipt.is_document() {
            report_links(context, &store, checked.links)?;
        }
        let is_sound = checked.damaged.is_empty() && checked.broken.is_empty();
        context.receipt.fact("sound", is_sound);
        context.receipt.fact("repaired", self.repairs() && !is_sound);
        if self.dry_run {
            context.receipt.fact("dryRun", true);
        }
        context.receipt.fact("blobs", checked.blobs);
        context.receipt.fact("readBytes", checked.bytes);
        context.receipt.fact("unreferencedBytes", checked.unreferenced_bytes);
        let concluded = self.conclude(context, &checked);
        // Damage is a failure, and the document describes it.
        context.receipt.finish(&context.output, start)?;
        concluded
    }

    fn repairs(&self) -> bool {
        self.repair && !self.dry_run
    }

    fn conclude(&self, context: &Context, checked: &Checked) -> Result<()> {
        let read = format!("{}, {} read", counted(checked.blobs, "blob"), human(checked.bytes));
        if checked.unreferenced_bytes > 0 {
            let bytes = human(checked.unreferenced_bytes);
            context.output.say(&format!("{bytes} belong to no ModelKit; `kit cache clear` frees them"));
        }
        if checked.damaged.is_empty() && checked.broken.is_empty() {
            return context.receipt.data_line(&context.output, format!("The store is sound: {read}"));
        }
        if self.repair || self.dry_run {
            return self.conclude_repair(context, checked, &read);
        }
        let modelkits = counted(checked.broken.len(), "incomplete ModelKit");
        let damage = if checked.damaged.is_empty() {
            format!("the store has {modelkits}; {read}. Pull or pack again what is broken, or remove it")
        } else {
            let blobs = counted(checked.damaged.len(), "blob");
            format!(
                "the store is damaged: {blobs}, {modelkits}; {read}. `kit fsck --repair` removes only what is damaged"
            )
        };
        Err(Failure::error(Code::Differs, damage))
    }

    /// Reports what the repair removed, or would remove, and the ModelKits that must be fetched again. It is a failure
    /// if some of them stay in the store and are incomplete.
    fn conclude_repair(&self, context: &Context, checked: &Checked, read: &str) -> Result<()> {
        let (incomplete, lost): (Vec<_>, Vec<_>) = checked.broken.iter().partition(|broken| broken.is_recoverable);
        let verb = if self.dry_run { "would be removed" } else { "removed" };
        let blobs = counted(checked.damaged.len(), "damaged blob");
        context.output.say(&format!("{blobs} and {} {verb}; {read}", counted(lost.len(), "name")));
        let lost: Vec<_> = lost.iter().filter_map(|broken| broken.entry.name()).map(one_line).collect();
        if !lost.is_empty() {
            context.output.say(&format!("Pull or pack again: {}", lost.join(", ")));
        }
        if incomplete.is_empty() {
            return Ok(());
        }
        let blobs: HashSet<_> = incomplete.iter().flat_map(|broken| &broken.blobs).collect();
        let names: Vec<_> = incomplete.iter().map(|broken| one_line(&name(broken))).collect();
        let (modelkits, missing) = (counted(names.len(), "ModelKit"), counted(blobs.len(), "blob"));
        let names = names.join(", ");
        let verb = match (self.dry_run, incomplete.len()) {
            (true, _) => "would stay",
            (false, 1) => "is still",
            (false, _) => "are still",
        };
        let it = if incomplete.len() == 1 { "it" } else { "them" };
        let text = format!(
            "{modelkits} {verb} incomplete: {names}; {missing} missing. Pull or pack {it} again, or remove {it}"
        );
        Err(Failure::error(Code::Differs, text))
    }
}

/// The name of a ModelKit, or its digest if it has none.
fn name(broken: &BrokenEntry) -> String {
    broken.entry.name().map_or_else(|| broken.entry.descriptor.digest.to_string(), str::to_owned)
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    anyhow::Chain::new(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Lists the ModelKits that depend on files outside the store.
fn report_links(context: &Context, store: &Store, links: usize) -> Result<()> {
    if links == 0 {
        return Ok(());
    }
    list::report_links(context, &ops::list_local(store, None, &Selection::default(), &context.bars)?);
    Ok(())
}
