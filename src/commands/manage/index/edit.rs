//! `kit index create`, `add`, `remove` and `delete`: changes of an index in the local store.

use anyhow::{Context as _, Result};
use clap::Args;

use super::command::{local_name, tag_name};
use crate::commands::manage::remove::remove;
use crate::context::Context;
use kit_core::modelkit::LabelEdit;
use kit_core::oci::Reference;
use kit_core::ops::{self, Removal};

/// Create an index of ModelKits in the local store
///
/// Each ModelKit gets the labels that can be read from the headers of its safetensors and GGUF files: architecture,
/// format, paramSize, precision and quantization.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index create sentiment:all
  kit index create registry.example/team/sentiment:all sentiment:q4 sentiment:q8")]
pub(super) struct CreateArgs {
    /// Name and tag of the index
    #[arg(value_name = "INDEX")]
    index: String,
    /// ModelKits to list, all in the local store
    #[arg(value_name = "MODELKIT")]
    modelkits: Vec<String>,
    #[command(flatten)]
    labels: EditArgs,
}

impl CreateArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let (name, modelkits) = (tag_name(context, &self.index)?, modelkits(context, &self.modelkits)?);
        let index = ops::create_index(&context.store()?, &name, &modelkits, &self.labels.label, &context.bars)
            .with_context(|| format!("cannot create the index `{name}`"))?;
        Ok(context.output.result(format!("Created index {name} (digest {})", index.digest))?)
    }
}

/// Add ModelKits to an index, or change their labels
///
/// Each ModelKit gets labels from the headers of its weights, as with `kit index create`. A ModelKit that is already
/// in the index keeps its labels.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index add sentiment:all sentiment:q4
  kit index add sentiment:all sentiment:q4 -l vram=6GB -l tested:=true
  kit index add sentiment:all sentiment:q4 -l vram-")]
pub(super) struct AddArgs {
    /// Index to change
    #[arg(value_name = "INDEX")]
    index: String,
    /// ModelKits to add, all in the local store
    #[arg(value_name = "MODELKIT", required = true)]
    modelkits: Vec<String>,
    #[command(flatten)]
    labels: EditArgs,
}

impl AddArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let (name, modelkits) = (tag_name(context, &self.index)?, modelkits(context, &self.modelkits)?);
        let index = ops::add_to_index(&context.store()?, &name, &modelkits, &self.labels.label, &context.bars)
            .with_context(|| format!("cannot add to the index `{name}`"))?;
        let added = list(&modelkits);
        Ok(context.output.result(format!("Added {added} to index {name} (digest {})", index.digest))?)
    }
}

/// Remove ModelKits from an index
///
/// A ModelKit that has a tag stays in the local store; one that is listed in the index only is removed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index remove sentiment:all sentiment:q4
  kit index remove sentiment:all sentiment@sha256:…")]
pub(super) struct RemoveArgs {
    /// Index to change
    #[arg(value_name = "INDEX")]
    index: String,
    /// ModelKits to remove, by name or digest
    #[arg(value_name = "MODELKIT", required = true)]
    modelkits: Vec<String>,
}

impl RemoveArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let (name, modelkits) = (tag_name(context, &self.index)?, modelkits(context, &self.modelkits)?);
        let index = ops::remove_from_index(&context.store()?, &name, &modelkits, &context.bars)
            .with_context(|| format!("cannot remove from the index `{name}`"))?;
        let removed = list(&modelkits);
        Ok(context.output.result(format!("Removed {removed} from index {name} (digest {})", index.digest))?)
    }
}

/// Delete an index from the local store
///
/// ModelKits that have a tag stay in the local store; those that are listed in the index only are removed. To remove
/// an index from a registry, use `kit remove --remote`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index delete sentiment:all")]
pub(super) struct DeleteArgs {
    /// Index to change
    #[arg(value_name = "INDEX")]
    index: String,
    /// Delete the index with all its tags in the repository
    #[arg(short, long)]
    force: bool,
}

impl DeleteArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let name = local_name(context, &self.index)?;
        let store = context.store()?;
        ops::inspect_index(&ops::find_here(&store, &name)?)
            .with_context(|| format!("cannot delete the index `{name}`"))?;
        remove(context, &if self.force { Removal::WithAllNames(name) } else { Removal::Name(name) })
    }
}

/// The changes of labels.
#[derive(Debug, Args)]
struct EditArgs {
    /// Set a label on the ModelKits; KEY:=JSON sets a value that is not a string, KEY- removes the label (repeatable)
    #[arg(short, long, value_name = "KEY=VALUE")]
    label: Vec<LabelEdit>,
}

fn modelkits(context: &Context, texts: &[String]) -> Result<Vec<Reference>> {
    texts.iter().map(|text| local_name(context, text)).collect()
}

fn list(names: &[Reference]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
