//! `kit index`

use anyhow::Result;
use clap::{Args, Subcommand};

use super::edit::{AddArgs, CreateArgs, DeleteArgs, RemoveArgs};
use super::look::{InfoArgs, InspectArgs, ListArgs};
use crate::commands::transfer::{FetchArgs, SendArgs};
use crate::context::Context;
use crate::output::usage;
use kit_core::oci::Reference;
use kit_core::ops::{self, Location, Wanted};

/// Manage indexes, which group variants of a model under one name
///
/// An index is a list of ModelKits, such as the quantizations of a model. Each ModelKit has labels, by which `kit
/// pull` and `kit unpack` select one. Registries and other tools see an OCI image index.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index create registry.example/team/sentiment:all sentiment:q4 sentiment:q8
  kit index info registry.example/team/sentiment:all
  kit index push registry.example/team/sentiment:all
  kit pull registry.example/team/sentiment:all -l quantization=Q4_K")]
pub(crate) struct IndexArgs {
    #[command(subcommand)]
    command: IndexCommand,
}

#[derive(Debug, Subcommand)]
enum IndexCommand {
    Create(CreateArgs),
    Add(AddArgs),
    Remove(RemoveArgs),
    Delete(DeleteArgs),
    List(ListArgs),
    Info(InfoArgs),
    Inspect(InspectArgs),
    Push(PushArgs),
    Pull(PullArgs),
}

impl IndexArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        match &self.command {
            IndexCommand::Create(args) => args.run(context),
            IndexCommand::Add(args) => args.run(context),
            IndexCommand::Remove(args) => args.run(context),
            IndexCommand::Delete(args) => args.run(context),
            IndexCommand::List(args) => args.run(context),
            IndexCommand::Info(args) => args.run(context),
            IndexCommand::Inspect(args) => args.run(context),
            IndexCommand::Push(args) => args.run(context),
            IndexCommand::Pull(args) => args.run(context),
        }
    }
}

/// Upload an index and all its ModelKits to a registry
///
/// Blobs that the registry already has are not uploaded. The index appears in the registry only when everything that
/// it lists is uploaded. `kit push` and `kit copy` do the same.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index push registry.example/team/sentiment:all
  kit index push sentiment:all registry.example/team/sentiment:all")]
struct PushArgs {
    #[command(flatten)]
    send: SendArgs,
}

impl PushArgs {
    fn run(&self, context: &Context) -> Result<()> {
        self.send.run(context, |found, _| {
            ops::inspect_index(found)?;
            Ok(Vec::new())
        })
    }
}

/// Download an index and all its ModelKits from a registry into the local store
///
/// The ModelKits get no tags of their own: they are addressed by digest, and are removed with the index. `kit pull
/// --label` downloads one of them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index pull registry.example/team/sentiment:all")]
struct PullArgs {
    #[command(flatten)]
    fetch: FetchArgs,
}

impl PullArgs {
    fn run(&self, context: &Context) -> Result<()> {
        self.fetch.run(context, Wanted::Index)
    }
}

/// Parses the name of a ModelKit or an index in the local store.
pub(super) fn local_name(context: &Context, text: &str) -> Result<Reference> {
    match context.location(text)? {
        Location::Artifact(reference) => Ok(reference),
        layout @ Location::Layout { .. } => Err(usage(format!(
            "`{layout}` is an image layout; use `kit pull` to copy its ModelKits into the local store"
        ))),
    }
}

/// Parses the name of an index to change.
pub(super) fn tag_name(context: &Context, text: &str) -> Result<Reference> {
    let name = local_name(context, text)?;
    if name.digest.is_some() {
        return Err(usage(format!("`{name}` contains a digest, which never changes; name the index by its tag")));
    }
    Ok(name)
}
