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

/// Keep variants of a model under one name, told apart by labels
///
/// An index is a list of ModelKits, such as the quantizations of a model. Each has labels, by which
/// `kit pull` and `kit unpack` choose one. To registries and other tools it is an image index.
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

/// Send an index and all its ModelKits to a registry
///
/// What the registry has already is not sent. The index appears there when everything that it lists is there. `kit
/// push` and `kit copy` do the same.
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

/// Fetch an index and all its ModelKits from a registry into the local store
///
/// The ModelKits have no tags of their own then; they are named by their digests, and are there as long as the index.
/// `kit pull --label` fetches one of them.
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
        layout @ Location::Layout { .. } => {
            Err(usage(format!("`{layout}` is an image layout; `kit pull` fetches what is in it into the local store")))
        }
    }
}

/// Parses the name of an index that is to be changed.
pub(super) fn tag_name(context: &Context, text: &str) -> Result<Reference> {
    let name = local_name(context, text)?;
    if name.digest.is_some() {
        return Err(usage(format!("`{name}` names a digest, which never changes; an index is changed by its tag")));
    }
    Ok(name)
}
