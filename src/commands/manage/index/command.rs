//! `kit index`

use anyhow::Result;
use clap::{Args, Subcommand};

use super::delete::DeleteArgs;
use super::edit::{AddArgs, CreateArgs, RemoveArgs};
use super::look::{InfoArgs, InspectArgs, ListArgs};
use super::transfer::{PullArgs, PushArgs};
use crate::context::Context;
use crate::output::usage;
use kit_core::oci::Reference;
use kit_core::ops::Location;

/// Manage indexes, which group variants of a model under one name
///
/// An index is a list of ModelKits, such as the quantizations of a model. Each ModelKit has labels, by which `kit
/// pull` and `kit unpack` select one. Registries and other tools see an OCI image index. In the local store, an index
/// and a ModelKit may have the same name.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index create registry.example/team/sentiment:all sentiment:q4 sentiment:q8 --detect-labels
  kit index info registry.example/team/sentiment:all
  kit index push registry.example/team/sentiment:all --with-modelkits
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

/// Parses the name of a ModelKit or an index in the local store.
pub(super) fn local_name(context: &Context, text: &str) -> Result<Reference> {
    match context.location_as_given(text)? {
        Location::Artifact(reference) => Ok(reference),
        layout @ Location::Layout { .. } => Err(usage(format!(
            "`{layout}` is an image layout; use `kit pull` to copy its ModelKits into the local store"
        ))),
    }
}

/// Parses the name of an index to change. A missing tag becomes `latest`, which is reported.
pub(super) fn tag_name(context: &Context, text: &str) -> Result<Reference> {
    let name = local_name(context, text)?;
    if name.digest.is_some() {
        return Err(usage(format!("index reference must be a tag, not a digest: `{name}`")));
    }
    match context.location(text)? {
        Location::Artifact(reference) => Ok(reference),
        Location::Layout { .. } => Ok(name),
    }
}
