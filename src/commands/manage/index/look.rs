//! `kit index list`, `info` and `inspect`: the content of indexes, for users and for scripts.

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::commands::inspect::{or_none, or_null};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{self, Format, Output, counted, table};
use kit_core::modelkit::Variant;
use kit_core::ops::{self, InspectedIndex, Listed, Location, Lookup, Selection};
use kit_core::progress::human;

/// List the indexes in the local store
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index list
  kit index list --format json")]
pub(super) struct ListArgs {
    /// Output format: table, json, yaml, or a Go template with `.Repo`, `.Tags`, `.Digest`, `.ModelKits`
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

impl ListArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let mut rows = ops::list_local(&context.store()?, None, &Selection::default(), &context.bars)?;
        rows.retain(|row| row.modelkits.is_some());
        Ok(context.output.result(self.format.render_rows(
            &rows,
            |row| list_json(row, &self.format),
            || list_table(&context.output, &rows),
        )?)?)
    }
}

/// Renders a row for each tag.
fn list_table(output: &Output, rows: &[Listed]) -> String {
    let mut cells = Vec::new();
    for row in rows {
        let untagged = [String::new()];
        for tag in if row.tags.is_empty() { &untagged[..] } else { &row.tags[..] } {
            let repository = or_none(row.repository.as_deref().unwrap_or_default());
            let count = row.modelkits.unwrap_or_default().to_string();
            cells.push([repository, or_none(tag), count, table::digest(output, &row.digest)]);
        }
    }
    let headings = ["REPOSITORY", "TAG", "MODELKITS", "DIGEST"];
    table::for_output(output, headings, &cells, (&[], &["REPOSITORY", "TAG"]))
}

/// The fields of KitOps.
fn list_json(row: &Listed, format: &Format) -> Value {
    let repository = row.repository.as_deref().unwrap_or_default();
    json!({ "repo": or_null(repository, format), "digest": row.digest, "tags": row.tags, "modelKits": row.modelkits })
}

/// The index, and where to look it up.
#[derive(Debug, Args)]
struct FindArgs {
    /// Index to show
    #[arg(value_name = "INDEX")]
    index: String,
    /// Read from the registry instead of the local store
    #[arg(short, long)]
    remote: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

impl FindArgs {
    fn read(&self, context: &Context) -> Result<(Location, InspectedIndex)> {
        let location = context.location(&self.index)?;
        let session = context.session(&self.network)?;
        let found = session.find_index(&location, if self.remote { Lookup::Remote } else { Lookup::Local });
        let read = found.and_then(|found| ops::inspect_index(&found));
        let inspected = read.with_context(|| format!("Failed to read index `{location}`"))?;
        Ok((location, inspected))
    }
}

/// Show the ModelKits in an index, with their labels
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index info sentiment:all
  kit index info --remote registry.example/team/sentiment:all")]
pub(super) struct InfoArgs {
    /// Output format: table, json, yaml, or a Go template with `.reference`, `.digest`, `.modelKits`
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    find: FindArgs,
}

impl InfoArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let (location, inspected) = self.find.read(context)?;
        let text = self
            .format
            .render(&info_json(&location, &inspected), || info_table(&context.output, &location, &inspected))?;
        Ok(context.output.result(text)?)
    }
}

/// Renders a row for each label and each annotation.
fn info_table(output: &Output, location: &Location, inspected: &InspectedIndex) -> String {
    let variants = inspected.index.variants();
    let count = match variants.len() {
        0 => return format!("Index {location} ({})\nIndex contains no ModelKits", inspected.descriptor.digest),
        count => counted(count, "ModelKit"),
    };
    let mut cells = Vec::new();
    for variant in variants {
        let labels: Vec<_> = variant.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let annotations: Vec<_> = variant.annotations().map(|(key, value)| format!("{key}={value}")).collect();
        let size = variant.layer_bytes().map(human).unwrap_or_default();
        let reference = reference(location, variant).unwrap_or_default();
        for line in 0..labels.len().max(annotations.len()).max(1) {
            let cell = |texts: &[String]| match (texts.get(line), line) {
                (Some(text), _) => text.clone(),
                (None, 0) => or_none(""),
                (None, _) => String::new(),
            };
            let first = |text: String| if line == 0 { text } else { String::new() };
            let (reference, size) = (first(or_none(&reference)), first(or_none(&size)));
            cells.push([
                reference,
                size,
                cell(&labels),
                cell(&annotations),
                first(table::digest(output, &variant.digest)),
            ]);
        }
    }
    let headings = ["ORIGINAL REFERENCE", "SIZE", "LABELS", "ANNOTATIONS", "DIGEST"];
    let least: (&[_], &[_]) = (&["ANNOTATIONS"], &["ORIGINAL REFERENCE", "LABELS"]);
    let table = table::for_output(output, headings, &cells, least);
    format!("Index {location} ({})\n{count}:\n{table}", inspected.descriptor.digest)
}

/// The fields of KitOps.
fn info_json(location: &Location, inspected: &InspectedIndex) -> Value {
    let modelkit = |variant: &Variant| {
        let annotations: Value = variant.annotations().map(|(key, value)| (key.to_owned(), json!(value))).collect();
        let mut modelkit = json!({
            "digest": variant.digest,
            "size": variant.layer_bytes(),
            "labels": variant.labels,
            "annotations": annotations,
        });
        if let Some(reference) = reference(location, variant) {
            modelkit["reference"] = json!(reference);
        }
        modelkit
    };
    let modelkits: Vec<_> = inspected.index.variants().iter().map(modelkit).collect();
    json!({ "reference": location.to_string(), "digest": inspected.descriptor.digest, "modelKits": modelkits })
}

/// The name of a ModelKit in the repository of the index when it was added.
fn reference(location: &Location, variant: &Variant) -> Option<String> {
    let tag = variant.original_tag()?;
    Some(match location {
        Location::Artifact(reference) => format!("{}:{tag}", reference.without_selector()),
        Location::Layout { .. } => tag.to_owned(),
    })
}

/// Show the JSON document of an index
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit index inspect sentiment:all
  kit index inspect --remote registry.example/team/sentiment:all")]
pub(super) struct InspectArgs {
    #[command(flatten)]
    find: FindArgs,
}

impl InspectArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let (_, inspected) = self.find.read(context)?;
        let document: Value = serde_json::from_slice(&inspected.bytes)?;
        Ok(context.output.result(output::to_json(&document)?)?)
    }
}
