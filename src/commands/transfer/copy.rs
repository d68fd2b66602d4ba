//! `kit copy`

use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use super::forms;
use crate::arguments::{DigestReceiptArgs, DryRunArgs, dry_run};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::Moved;
use kit_core::ops::{self, CopyOptions, Location, Lookup, Origins, PushedTag};
use kit_core::progress::Phase;

/// Copy a ModelKit between registries and OCI image layouts
///
/// Blobs are streamed from the source to the destination and not stored locally. Within one registry they are mounted,
/// if the registry supports that, and not transferred at all. ModelKits that the model refers to are listed, not
/// copied.
///
/// Other forms of the ModelKit, which `kit push --also` tags beside it, are copied too: NAME:TAG-modelpack becomes
/// DESTINATION-modelpack. Tags of that form with other layers are left alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit copy registry.example/team/sentiment:v2 registry.example/production/sentiment:v2
  kit copy registry.example/team/sentiment:v2 other.example/team/sentiment:v2
  kit copy registry.example/team/sentiment:v2 oci:/mnt/usb/sentiment:v2
  kit copy oci:/mnt/usb/sentiment:v2 inside.example/team/sentiment:v2 --dry-run")]
pub(crate) struct CopyArgs {
    /// ModelKit in a registry or an OCI image layout (oci:FOLDER:TAG)
    #[arg(value_name = "SOURCE")]
    source: String,
    /// New name in a registry or an OCI image layout (oci:FOLDER:TAG)
    #[arg(value_name = "DESTINATION")]
    destination: String,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    receipt: DigestReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl CopyArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let source = context.location(&self.source)?;
        let destination = context.location(&self.destination)?;
        let copied = self.copy(context, &source, &destination);
        copied.with_context(|| format!("Failed to copy `{source}` to `{destination}`"))
    }

    fn copy(&self, context: &Context, source: &Location, destination: &Location) -> Result<()> {
        let start = Instant::now();
        let session = context.session(&self.network)?;
        let found = session.find(source, Lookup::Remote)?;
        ops::admit_copy(&session, &found, destination)?;
        let forms = forms::admitted(context, &session, &found, &[source, destination])?;
        let options = CopyOptions {
            jobs: session.jobs(&[source, destination]),
            origins: Origins::beside(source, destination),
            phase: Phase::Copying,
        };
        if self.dry_run.dry_run {
            let plan = ops::plan(&*found.source, &found.name, &session.look(destination)?, &options)?;
            dry_run::show(context, &plan)?;
            return forms::show(context, &found, &forms);
        }
        context.output.say(&format!("Copying {source} to {destination}"));
        let carry = ops::Carry::required_if(ops::requires_attached(&session, destination)?);
        let (target, tag) = session.target_for(&found, destination)?;
        let pushed: Vec<_> = PushedTag::of(&session, destination).into_iter().collect();
        let copied = PushedTag::read_while(&pushed, || {
            ops::copy_unless(
                (&*found.source, &found.name),
                (&*target, tag.as_deref()),
                (&options, carry),
                || Ok(()),
                &context.bars,
            )
        })?;
        let digest = copied.manifest.digest;
        let names = [destination.to_string()];
        context.receipt.made(&context.output, ("copied", digest), &names, format!("Copied {digest}"))?;
        context.receipt.copied(&copied);
        forms::copy(context, (&found, &forms), (&*target, tag.as_deref()), destination, (&options, carry))?;
        for tag in &pushed {
            tag.report(&copied.manifest);
        }
        context.output.say(&Moved::sent(&copied).in_words(start));
        for parent in ops::parents(&found)? {
            context.output.say(&format!("The model refers to {parent}, which was not copied"));
        }
        Ok(())
    }
}
