//! `kit fsck`

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
use kit_core::store::Store;

/// Check the integrity of the local store and repair it
///
/// Reads every blob in the store and compares it with its digest. Exits with 3 if anything is damaged.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit fsck
  kit fsck --repair")]
pub(crate) struct FsckArgs {
    /// Remove damaged blobs, and list the ModelKits to pull again
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
}

impl FsckArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        self.receipt.begin(context)?;
        let store = context.store()?;
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let checked = ops::check(&store, self.repair, jobs, &context.bars).context("cannot check the local store")?;
        for digest in &checked.damaged {
            context.receipt.append("damaged", digest.to_string().into());
            context.receipt.data_line(&context.output, format!("damaged {digest}"))?;
        }
        for broken in &checked.broken {
            let name = broken.entry.name().map_or_else(|| broken.entry.descriptor.digest.to_string(), str::to_owned);
            let blobs: Vec<_> = broken.blobs.iter().map(ToString::to_string).collect();
            context.receipt.append("broken", json!({ "name": name, "blobs": blobs }));
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
        context.receipt.fact("repaired", self.repair && !is_sound);
        context.receipt.fact("blobs", checked.blobs);
        context.receipt.fact("readBytes", checked.bytes);
        context.receipt.fact("unreferencedBytes", checked.unreferenced_bytes);
        let concluded = self.conclude(context, &checked);
        // Damage is a failure, and the document describes it.
        context.receipt.finish(&context.output, start)?;
        concluded
    }

    fn conclude(&self, context: &Context, checked: &Checked) -> Result<()> {
        let read = format!("{}, {} read", counted(checked.blobs, "blob"), human(checked.bytes));
        if checked.unreferenced_bytes > 0 && !self.repair {
            let bytes = human(checked.unreferenced_bytes);
            context.output.say(&format!("{bytes} belong to no ModelKit; `kit cache clear` frees them"));
        }
        if checked.damaged.is_empty() && checked.broken.is_empty() {
            return context.receipt.data_line(&context.output, format!("The store is sound: {read}"));
        }
        let (damaged, broken) = (checked.damaged.len(), checked.broken.len());
        if self.repair {
            let (blobs, names) = (counted(damaged, "damaged blob"), counted(broken, "broken name"));
            context.output.say(&format!("{blobs} and {names} removed; {read}"));
            let names: Vec<_> = checked.broken.iter().filter_map(|broken| broken.entry.name()).collect();
            if !names.is_empty() {
                context.output.say(&format!("Pull or pack again: {}", names.join(", ")));
            }
            return Ok(());
        }
        let (blobs, names) = (counted(damaged, "blob"), counted(broken, "name"));
        let damage = format!("the store is damaged: {blobs}, {names}; {read}. `kit fsck --repair` removes them");
        Err(Failure::error(Code::Differs, damage))
    }
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
