//! `kit index create`, `add` and `remove`: changes of an index in the local store.

use anyhow::{Context as _, Result};
use clap::Args;

use super::command::{local_name, tag_name};
use crate::arguments::ReceiptArgs;
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::usage;
use kit_core::digest::Digest;
use kit_core::modelkit::{AnnotationEdit, LabelEdit, check_keys};
use kit_core::oci::Reference;
use kit_core::ops::{self, Additions, Lookup};

/// Create an index of ModelKits in the local store
///
/// Without ModelKits, the index is empty. An index refers to ModelKits in its own repository; those of other
/// repositories in the local store become part of its repository.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index create sentiment:all
  kit index create registry.example/team/sentiment:all sentiment:q4 sentiment:q8 --detect-labels")]
pub(super) struct CreateArgs {
    /// Name and tag of the index
    #[arg(value_name = "INDEX")]
    index: String,
    /// ModelKits to list, all in the local store
    #[arg(value_name = "MODELKIT")]
    modelkits: Vec<String>,
    #[command(flatten)]
    edits: EditArgs,
    #[command(flatten)]
    receipt: ReceiptArgs,
}

impl CreateArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let (name, modelkits) = (tag_name(context, &self.index)?, modelkits(context, &self.modelkits)?);
        let session = context.session(&NetworkArgs::default())?;
        let index = ops::create_index(&session, &name, &modelkits, &self.edits.additions()?)
            .with_context(|| format!("Failed to create index `{name}`"))?;
        let (digest, names) = (index.digest, [name.to_string()]);
        let line = format!("Created index {name} (digest {digest})");
        context.receipt.made(&context.output, ("created", digest), &names, line)
    }
}

/// Add ModelKits to an index, or change their labels and annotations
///
/// A ModelKit that is already in the index keeps its labels and annotations; the given ones are changed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index add sentiment:all sentiment:q4 -l quantization=Q4_0
  kit index add sentiment:all sentiment:q4 --detect-labels -l vram=6GB -l tested:=true
  kit index add sentiment:all sentiment:q4 -l vram-
  kit index add --remote registry.example/team/sentiment:all registry.example/team/sentiment:q4")]
pub(super) struct AddArgs {
    /// Index to change
    #[arg(value_name = "INDEX")]
    index: String,
    /// ModelKits to add
    #[arg(value_name = "MODELKIT", required = true)]
    modelkits: Vec<String>,
    /// Read the ModelKits from their registry instead of the local store
    #[arg(short, long)]
    remote: bool,
    #[command(flatten)]
    edits: EditArgs,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl AddArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let (name, modelkits) = (tag_name(context, &self.index)?, modelkits(context, &self.modelkits)?);
        let place = if self.remote { Lookup::Remote } else { Lookup::Local };
        let session = context.session(&self.network)?;
        let index = ops::add_to_index(&session, &name, &modelkits, place, &self.edits.additions()?)
            .with_context(|| format!("Failed to add ModelKit to index `{name}`"))?;
        let added = list(&modelkits);
        let (digest, names) = (index.digest, [name.to_string()]);
        let line = format!("Added {added} to index {name} (digest {digest})");
        context.receipt.made(&context.output, ("changed", digest), &names, line)
    }
}

/// Remove ModelKits from an index
///
/// The ModelKits stay in the local store. One that has no tag can be removed by digest, or with `kit remove --all`.
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
    #[command(flatten)]
    receipt: ReceiptArgs,
}

impl RemoveArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let name = tag_name(context, &self.index)?;
        let named = |text: &String| {
            // KitOps also accepts a digest alone.
            let digest: Option<Digest> = text.parse().ok();
            digest.map_or_else(|| local_name(context, text), |digest| Ok(name.with_digest(digest)))
        };
        let modelkits = self.modelkits.iter().map(named).collect::<Result<Vec<_>>>()?;
        let index = ops::remove_from_index(&context.store()?, &name, &modelkits, &context.bars)
            .with_context(|| format!("Failed to remove ModelKit from index `{name}`"))?;
        let removed = self.modelkits.join(", ");
        let (digest, index) = (index.digest, [name.to_string()]);
        let line = format!("Removed {removed} from index {name} (digest {digest})");
        context.receipt.made(&context.output, ("changed", digest), &index, line)
    }
}

/// The changes of each ModelKit that is added.
#[derive(Debug, Args)]
struct EditArgs {
    /// Set a label on the ModelKits; KEY:=JSON sets a value that is not a string, KEY- removes the label (repeatable)
    #[arg(short, long, value_name = "KEY=VALUE")]
    label: Vec<LabelEdit>,
    /// Set an annotation on the ModelKits; KEY- removes it (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    annotate: Vec<AnnotationEdit>,
    /// Set the labels architecture, format, paramSize, precision and quantization, as far as the headers of the
    /// safetensors and GGUF files contain them
    #[arg(long)]
    detect_labels: bool,
}

impl EditArgs {
    fn additions(&self) -> Result<Additions<'_>> {
        check_keys(&self.label).map_err(usage)?;
        check_keys(&self.annotate).map_err(usage)?;
        Ok(Additions { labels: &self.label, annotations: &self.annotate, detect_labels: self.detect_labels })
    }
}

fn modelkits(context: &Context, texts: &[String]) -> Result<Vec<Reference>> {
    texts.iter().map(|text| local_name(context, text)).collect()
}

fn list(names: &[Reference]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
