//! `kit index delete`

use anyhow::{Context as _, Result};
use clap::Args;

use super::command::local_name;
use crate::arguments::ReceiptArgs;
use crate::commands::manage::remove::{confirm, say_freed};
use crate::context::Context;
use crate::output::usage;
use kit_core::ops::{self, Removable, Removal, Removed};
use kit_core::store::Members;

/// Delete an index from the local store
///
/// Removes the given tag. An index is deleted with its last tag. Its ModelKits stay in the local store. To remove an
/// index from a registry, use `kit remove --remote`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(after_help = "\
Examples:
  kit index delete sentiment:all
  kit index delete sentiment:all --with-modelkits
  kit index delete --all                 (all untagged indexes)
  kit index delete --all --force         (all indexes)")]
pub(super) struct DeleteArgs {
    /// Index to delete
    #[arg(value_name = "INDEX", required_unless_present = "all", conflicts_with = "all")]
    index: Option<String>,
    /// Remove the index with all its tags in the repository; with --all, remove all indexes
    #[arg(short, long)]
    force: bool,
    /// Remove all untagged indexes
    #[arg(short, long)]
    all: bool,
    /// Do not ask before all indexes are deleted
    #[arg(short, long)]
    yes: bool,
    /// Also remove the ModelKits that have no tag and are in no other index
    #[arg(long)]
    with_modelkits: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
}

impl DeleteArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        if self.index.is_none() && self.force {
            confirm(context, self.yes, "Delete all indexes from the local store?")?;
        }
        let removal = match &self.index {
            None if self.force => Removal::Everything,
            None => Removal::Unnamed,
            Some(text) => {
                let name = local_name(context, text)?;
                if name.selector().is_none() {
                    return Err(usage(format!(
                        "a tag or a digest is required when deleting an index (`{name}:<tag>`)"
                    )));
                }
                if self.force { Removal::WithAllNames(name) } else { Removal::Name(name) }
            }
        };
        let failure = || match &self.index {
            Some(index) => format!("Failed to delete index `{index}`"),
            None => "Failed to delete indexes".to_owned(),
        };
        let store = context.store()?;
        if let Removal::Name(name) | Removal::WithAllNames(name) = &removal {
            ops::find_index_here(&store, name).with_context(failure)?;
        }
        let members = if self.with_modelkits { Members::Remove } else { Members::Keep };
        let (removed, collected) =
            ops::remove(&store, Removable::Indexes(members), &removal, &context.bars).with_context(failure)?;
        report(context, &removal, &removed)?;
        say_freed(context, &collected);
        Ok(())
    }
}

fn report(context: &Context, removal: &Removal, removed: &[Removed]) -> Result<()> {
    for one in removed {
        let action = if matches!(one, Removed::Name(..)) { "untagged" } else { "removed" };
        context.receipt.note(action, *one.digest(), &[one.reference().to_string()]);
    }
    let print = |line: String| context.receipt.line(&context.output, line);
    if let Removal::Name(name) | Removal::WithAllNames(name) = removal {
        let tags: Vec<_> =
            removed.iter().filter_map(|one| one.reference().tag.as_ref()).map(ToString::to_string).collect();
        match removed {
            [Removed::Name(_, digest)] => print(format!("Untagged index {name} (digest {digest})"))?,
            [one, ..] => print(format!("Deleted index {name} (digest {})", one.digest()))?,
            [] => {}
        }
        if tags.iter().any(|tag| name.tag.as_ref().is_none_or(|given| given.as_str() != tag)) {
            print(format!("Removed tags: {}", tags.join(", ")))?;
        }
        return Ok(());
    }
    let mut digests: Vec<_> =
        removed.iter().map(|one| one.reference().without_selector().with_digest(*one.digest())).collect();
    digests.dedup();
    digests.iter().try_for_each(|index| print(format!("Deleted index {index}")))
}
