//! `kit list`

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Format, table};
use kit_core::oci::Reference;
use kit_core::ops::{self, Listed, Location};
use kit_core::progress::human;
use kit_core::store::Store;

/// List ModelKits, here or in a registry
///
/// Without a name, everything in the local store; with the name of a repository in a registry, its tags. An index of
/// ModelKits has their number in place of a name.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit list
  kit list registry.example/team/sentiment
  kit list --format '{{.Repo}} {{.Tags}} {{.Digest}}'")]
pub(crate) struct ListArgs {
    /// A repository; one with a registry is asked for there
    #[arg(value_name = "REPOSITORY")]
    repository: Option<String>,
    /// table, json, yaml, or a Go template with `.Repo`, `.Tags`, `.Digest`, `.ModelName`, `.Size`, `.Author`,
    /// `.ModelKits`, `.Linked`
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    network: NetworkArgs,
}

impl ListArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let rows = self.rows(context)?;
        let text = self.format.render_rows(&rows, to_json, || render(&rows))?;
        context.output.result(text)?;
        tell_of_links(context, &rows);
        Ok(())
    }

    fn rows(&self, context: &Context) -> Result<Vec<Listed>> {
        let store = context.store()?;
        let Some(text) = &self.repository else { return Ok(ops::list_local(&store, None)?) };
        match context.location_as_given(text)? {
            Location::Artifact(reference) if reference.is_local() => Ok(ops::list_local(&store, Some(&reference))?),
            Location::Artifact(reference) => self.remote_rows(context, &reference),
            Location::Layout { path, .. } => {
                let layout = Store::open(&path)?;
                layout.expect_layout()?;
                Ok(ops::list_layout(&layout, &format!("oci:{}", path.display()))?)
            }
        }
    }

    fn remote_rows(&self, context: &Context, reference: &Reference) -> Result<Vec<Listed>> {
        let client = self.network.client(&context.environment)?;
        ops::list_remote(&client.repository(reference), reference, client.concurrency(&reference.registry))
            .with_context(|| format!("cannot list `{reference}`"))
    }
}

/// The columns of the table are those of the Go tool, which scripts expect.
pub(crate) fn tell_of_links(context: &Context, rows: &[Listed]) {
    let linked: Vec<_> = rows.iter().filter(|row| row.is_linked).map(names).collect();
    if !linked.is_empty() {
        let names = linked.join(", ");
        context
            .output
            .say(&format!("Linked to the files they were packed from (`kit materialize` copies them): {names}"));
    }
}

fn names(row: &Listed) -> String {
    let repository = row.repository.as_deref().unwrap_or_default();
    match (repository, &row.tags[..]) {
        ("", _) | (_, []) => row.digest.to_string(),
        (repository, tags) => tags.iter().map(|tag| format!("{repository}:{tag}")).collect::<Vec<_>>().join(", "),
    }
}

const NONE: &str = "<none>";

pub(crate) fn or_none(text: &str) -> String {
    if text.is_empty() { NONE.to_owned() } else { text.to_owned() }
}

fn name(row: &Listed) -> String {
    row.modelkits.map_or_else(|| or_none(&row.name), |count| format!("<index of {count}>"))
}

/// A row per tag.
fn render(rows: &[Listed]) -> String {
    let mut cells = Vec::new();
    for row in rows {
        let untagged = [String::new()];
        let tags = if row.tags.is_empty() { &untagged[..] } else { &row.tags[..] };
        for tag in tags {
            cells.push([
                or_none(row.repository.as_deref().unwrap_or_default()),
                or_none(tag),
                or_none(&row.author),
                name(row),
                human(row.size),
                row.digest.to_string(),
            ]);
        }
    }
    table::render(["REPOSITORY", "TAG", "MAINTAINER", "NAME", "SIZE", "DIGEST"], &cells)
}

/// The fields of the Go tool, and three that it does not tell: the size in bytes, how many ModelKits an index has, and
/// whether the ModelKit is linked.
fn to_json(row: &Listed) -> Value {
    json!({
        "repo": or_none(row.repository.as_deref().unwrap_or_default()),
        "digest": row.digest,
        "tags": if row.tags.is_empty() { Value::Null } else { json!(row.tags) },
        "modelName": or_none(&row.name),
        "size": human(row.size),
        "sizeBytes": row.size,
        "modelKits": row.modelkits,
        "author": or_none(&row.author),
        "linked": row.is_linked,
    })
}
