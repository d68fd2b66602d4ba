//! `kit index push` and `kit index pull`

use anyhow::{Context as _, Result};
use clap::Args;

use crate::arguments::dry_run;
use crate::commands::transfer::{FetchArgs, SendArgs, Sent};
use crate::context::Context;
use kit_core::oci::Descriptor;
use kit_core::ops::{self, CopyOptions, Lookup, Origins, Plan, Wanted};
use kit_core::progress::Phase;

/// Upload an index to a registry
///
/// The bytes of the index, and therefore its digest, do not change. Only the index is uploaded: most registries accept
/// it when they have all its ModelKits. With --with-modelkits, and with `kit push` and `kit copy`, the ModelKits are
/// uploaded first, without content that the registry already has.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index push registry.example/team/sentiment:all
  kit index push registry.example/team/sentiment:all --with-modelkits
  kit index push sentiment:all registry.example/team/sentiment:all --with-modelkits")]
pub(super) struct PushArgs {
    /// Upload all ModelKits of the index, too
    #[arg(long)]
    with_modelkits: bool,
    #[command(flatten)]
    send: SendArgs,
}

impl PushArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        self.send.receipt.begin(context)?;
        if self.with_modelkits {
            return self.send.run(context, Sent::WholeIndex, None, |_, found, _| {
                ops::inspect_index(found)?;
                Ok(Vec::new())
            });
        }
        let (source, destination) = self.send.places(context)?;
        let same = source == destination;
        let words = if same { format!("index {source}") } else { format!("index {source} to {destination}") };
        let failure = || format!("Failed to push {words}");
        let session = context.session(&self.send.network)?;
        let found = session.find_index(&source, Lookup::Local).with_context(failure)?;
        if self.send.dry_run.dry_run {
            return show_plan(context, ops::inspect_index(&found).with_context(failure)?.descriptor);
        }
        context.output.say(&format!("Pushing {words}"));
        let options = options(Phase::Uploading);
        let pushed = ops::push_index(&session, &found, &destination, &options).with_context(failure)?;
        let (digest, names) = (pushed.digest, [destination.to_string()]);
        context.receipt.made(&context.output, ("pushed", digest), &names, format!("Pushed index {digest}"))
    }
}

/// Download an index from a registry into the local store
///
/// Only the index is downloaded, and it keeps its digest. `kit pull -l` and `kit unpack -l` download one of its
/// ModelKits. With --with-modelkits, all its ModelKits are downloaded; they get no tags of their own and are addressed
/// by digest.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index pull registry.example/team/sentiment:all
  kit index pull registry.example/team/sentiment:all --with-modelkits")]
pub(super) struct PullArgs {
    /// Download all ModelKits of the index, too
    #[arg(long)]
    with_modelkits: bool,
    #[command(flatten)]
    fetch: FetchArgs,
}

impl PullArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        self.fetch.receipt.begin(context)?;
        if self.with_modelkits {
            return self.fetch.run(context, Wanted::WholeIndex);
        }
        let (source, name) = self.fetch.places(context)?;
        let failure = || format!("Failed to pull index {source}");
        let session = context.session(&self.fetch.network)?;
        if self.fetch.dry_run.dry_run {
            let found = session.find(&source, Lookup::Remote).with_context(failure)?;
            return show_plan(context, ops::inspect_index(&found).with_context(failure)?.descriptor);
        }
        context.output.say(&format!("Pulling index {source}"));
        let pulled = ops::pull_index(&session, &source, &name, &options(Phase::Downloading)).with_context(failure)?;
        let (digest, names) = (pulled.digest, [name.to_string()]);
        context.receipt.made(&context.output, ("pulled", digest), &names, format!("Pulled index {digest}"))
    }
}

fn show_plan(context: &Context, manifest: Descriptor) -> Result<()> {
    dry_run::show(context, &Plan { manifest, blobs: Vec::new() })
}

/// An index is small, so there is nothing to do at the same time.
fn options(phase: Phase) -> CopyOptions {
    CopyOptions { jobs: 1, origins: Origins::default(), phase }
}
