//! `kit remove`

use anyhow::{Context as _, Result};
use clap::Args;

use crate::arguments::ReceiptArgs;
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Usage, usage};
use kit_core::oci::Reference;
use kit_core::ops::{self, Removable, Removal, Removed};
use kit_core::progress::human;
use kit_core::store::Collected;

/// Remove ModelKits from the local store or a registry
///
/// Removes the given tag. A ModelKit is removed with its last tag, and content that is no longer referenced is deleted
/// from disk. If a ModelKit and an index have the same name, the ModelKit is removed; `kit index delete` removes the
/// index.
#[derive(Debug, Args)]
#[command(
    visible_alias = "rm",
    after_help = "\
Examples:
  kit remove sentiment:v1
  kit remove sentiment:v1,v2
  kit remove --all                 (all untagged ModelKits)
  kit remove --all --force         (all ModelKits)
  kit remove --remote registry.example/team/sentiment:v1"
)]
pub(crate) struct RemoveArgs {
    /// ModelKit to remove; add more tags after commas
    #[arg(value_name = "NAME:TAG[,TAG]", required_unless_present = "all", conflicts_with = "all")]
    reference: Option<String>,
    /// Remove all tags of the ModelKit in its repository; with --all, remove everything
    #[arg(short, long)]
    force: bool,
    /// Remove all untagged ModelKits
    #[arg(short, long)]
    all: bool,
    /// Remove the tag from the registry; with --force or for a digest, the ModelKit with all its tags
    #[arg(short, long)]
    remote: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl RemoveArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        if self.all && self.remote {
            return Err(usage("cannot use --all with --remote"));
        }
        let Some(text) = &self.reference else {
            return remove(context, &if self.force { Removal::Everything } else { Removal::Unnamed });
        };
        let references = Reference::parse_list(text).map_err(|error| Usage(error.into()))?;
        if let Some(bare) = references.iter().find(|reference| reference.selector().is_none()) {
            return Err(usage(format!("tag or digest is required when removing ({bare}:<tag>)")));
        }
        for reference in references {
            if self.remote {
                self.remove_remote(context, &reference)?;
            } else {
                let removal = if self.force { Removal::WithAllNames } else { Removal::Name };
                remove(context, &removal(reference))?;
            }
        }
        Ok(())
    }

    fn remove_remote(&self, context: &Context, reference: &Reference) -> Result<()> {
        if reference.is_local() {
            return Err(ops::Error::NoRegistry(reference.clone()).into());
        }
        let client = self.network.client(&context.environment, context.bars.notifier())?;
        let repository = client.repository(reference);
        let failed = || format!("Failed to remove `{reference}` from the registry");
        if reference.digest.is_none() && !self.force {
            context.output.say(&format!("Untagging remote ModelKit {reference}"));
            ops::untag_remote(&repository, reference).with_context(failed)?;
            context.receipt.append("untagged", reference.to_string().into());
            return context.receipt.line(&context.output, format!("Untagged {reference}"));
        }
        let manifest = ops::find_remote(&repository, reference).with_context(failed)?;
        let digest = manifest.digest;
        context.output.say(&format!("Deleting remote ModelKit {}", reference.with_digest(digest)));
        ops::remove_remote(&repository, &manifest, &reference.registry).with_context(failed)?;
        context.receipt.note("removed", digest, &[reference.to_string()]);
        context.receipt.line(&context.output, format!("Removed {reference} (digest {digest})"))
    }
}

fn remove(context: &Context, removal: &Removal) -> Result<()> {
    let (removed, collected) = ops::remove(&context.store()?, Removable::ModelKits, removal, &context.bars)
        .with_context(|| match removal {
            Removal::Name(reference) | Removal::WithAllNames(reference) => format!("Failed to remove `{reference}`"),
            Removal::Unnamed | Removal::Everything => "Failed to remove ModelKits".to_owned(),
        })?;
    for one in removed {
        let action = if matches!(one, Removed::Name(..)) { "untagged" } else { "removed" };
        context.receipt.note(action, *one.digest(), &[one.reference().to_string()]);
        let line = match one {
            Removed::Name(reference, _) => format!("Untagged {reference}"),
            Removed::ModelKit(reference, digest) if reference.tag.is_none() => {
                format!("Removed {}", reference.with_digest(digest))
            }
            Removed::ModelKit(reference, digest) => format!("Removed {reference} (digest {digest})"),
        };
        context.receipt.line(&context.output, line)?;
    }
    say_freed(context, &collected);
    Ok(())
}

/// Reports the disk space that a removal freed.
pub(super) fn say_freed(context: &Context, collected: &Collected) {
    context.receipt.fact("freedBytes", collected.bytes);
    if collected.deferred {
        context.output.say("disk space will be freed when other kit processes have finished");
    } else if collected.files > 0 {
        context.output.say(&format!("{} freed", human(collected.bytes)));
    }
}
