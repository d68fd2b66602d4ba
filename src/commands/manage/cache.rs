//! `kit cache`

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use crate::arguments::ReceiptArgs;
use crate::context::Context;
use kit_core::ops;
use kit_core::progress::human;

/// Show or clear unfinished downloads and other cached data
#[derive(Debug, Args)]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, Subcommand)]
enum CacheCommand {
    /// Show the size of the cache
    Info(ReceiptArgs),
    /// Delete unfinished downloads, blobs that no ModelKit needs, manifests and configs of registries that were listed,
    /// and the recorded state of packed files
    Clear(ClearArgs),
}

#[derive(Debug, Args)]
struct ClearArgs {
    /// Show how much would be deleted, without deleting anything
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
}

impl CacheArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let (store, imports) = (context.store()?, context.environment.imports_folder());
        match &self.command {
            CacheCommand::Info(receipt) => {
                receipt.begin(context)?;
                let unfinished = store.unfinished_bytes()? + ops::unfinished_imports(&imports)?;
                let unneeded: u64 = store.unreferenced()?.iter().map(|(_, size)| size).sum();
                let fetched = store.fetched_bytes()?;
                let remembered = store.remembered_layers()?;
                let links = store.links()?;
                let linked: u64 = links.iter().map(|(_, size)| size).sum();
                context.receipt.fact("unfinishedBytes", unfinished);
                context.receipt.fact("unneededBytes", unneeded);
                context.receipt.fact("fetchedBytes", fetched);
                context.receipt.fact("rememberedLayers", remembered);
                context.receipt.fact("linkedLayers", links.len());
                context.receipt.fact("linkedBytes", linked);
                if context.receipt.is_document() {
                    return Ok(());
                }
                if unfinished + unneeded + fetched == 0 && remembered == 0 && links.is_empty() {
                    return Ok(context.output.result("Cache is currently empty")?);
                }
                context.output.result(format!("Unfinished downloads: {}", human(unfinished)))?;
                context.output.result(format!("Needed by no ModelKit: {}", human(unneeded)))?;
                context.output.result(format!("Manifests and configs of registries: {}", human(fetched)))?;
                context.output.result(format!("Layers remembered by the state of their files: {remembered}"))?;
                Ok(context.output.result(format!("Layers linked to files: {} ({})", links.len(), human(linked)))?)
            }
            CacheCommand::Clear(ClearArgs { dry_run: true, receipt }) => {
                receipt.begin(context)?;
                let unfinished =
                    store.unfinished_bytes()? + ops::unfinished_imports(&imports)? + store.fetched_bytes()?;
                let bytes = store.unreferenced()?.iter().map(|(_, size)| size).sum::<u64>() + unfinished;
                context.receipt.fact("dryRun", true);
                context.receipt.fact("freedBytes", bytes);
                context.receipt.line(&context.output, format!("Would free {}", human(bytes)))
            }
            CacheCommand::Clear(ClearArgs { dry_run: false, receipt }) => {
                receipt.begin(context)?;
                let cleared = store.clear_unfinished().context("cannot clear the cache")?;
                let imported = ops::clear_imports(&imports).context("cannot clear the cache")?;
                let freed = cleared.bytes + imported;
                context.receipt.fact("freedBytes", freed);
                context.output.say(&format!("{} freed", human(freed)));
                Ok(())
            }
        }
    }
}
