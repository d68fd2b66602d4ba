//! `kit list`

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Format, table};
use kit_core::oci::Reference;
use kit_core::ops::{self, Filter, Listed, Location, Selection};
use kit_core::progress::human;
use kit_core::store::Store;

/// List ModelKits in the local store or a registry
///
/// Without an argument, lists all ModelKits in the local store; with a repository in a registry, lists its tags. For
/// an index, the NAME column shows the number of its ModelKits.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit list
  kit list registry.example/team/sentiment
  kit list --filter prompts --filter datasets:train
  kit list --format '{{.Repo}} {{.Tags}} {{.Digest}}'")]
pub(crate) struct ListArgs {
    /// Repository to list; with a registry host, it is read from the registry
    #[arg(value_name = "REPOSITORY")]
    repository: Option<String>,
    /// List only ModelKits with a matching part: TYPES[:NAMES], both comma-separated; types are kitfile, model,
    /// datasets, code, docs, prompts and mcpservers (repeatable)
    #[arg(short, long, value_name = "FILTER")]
    filter: Vec<String>,
    /// Output format: table, json, yaml, or a Go template with `.Repo`, `.Tags`, `.Digest`, `.ModelName`, `.Size`,
    /// `.Author`, `.ModelKits`, `.Linked`
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
        report_links(context, &rows);
        Ok(())
    }

    fn rows(&self, context: &Context) -> Result<Vec<Listed>> {
        let filters = self.filter.iter().map(|filter| parse::<Filter>(filter)).collect::<Result<_>>()?;
        let (store, selection) = (context.store()?, Selection::new(filters));
        let Some(text) = &self.repository else { return Ok(ops::list_local(&store, None, &selection, &context.bars)?) };
        match context.location_as_given(text)? {
            Location::Artifact(reference) if reference.is_local() => {
                Ok(ops::list_local(&store, Some(&reference), &selection, &context.bars)?)
            }
            Location::Artifact(reference) => self.remote_rows(context, &reference, &selection),
            Location::Layout { path, .. } => {
                let layout = Store::open(&path)?;
                layout.expect_layout()?;
                Ok(ops::list_layout(&layout, &format!("oci:{}", path.display()), &selection, &context.bars)?)
            }
        }
    }

    fn remote_rows(&self, context: &Context, reference: &Reference, selection: &Selection) -> Result<Vec<Listed>> {
        let client = self.network.client(&context.environment)?;
        let jobs = client.concurrency(&reference.registry);
        ops::list_remote(&client.repository(reference), reference, selection, jobs, &context.bars)
            .with_context(|| format!("cannot list `{reference}`"))
    }
}

/// Lists linked ModelKits in a message, since the table has the columns of KitOps, which scripts expect.
pub(crate) fn report_links(context: &Context, rows: &[Listed]) {
    let linked: Vec<_> = rows.iter().filter(|row| row.is_linked).map(names).collect();
    if !linked.is_empty() {
        let names = linked.join(", ");
        context
            .output
            .say(&format!("Linked to the files they were packed from (use `kit materialize` to copy them): {names}"));
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
    if text.trim().is_empty() { NONE.to_owned() } else { text.to_owned() }
}

fn name(row: &Listed) -> String {
    row.modelkits.map_or_else(|| or_none(&row.name), |count| format!("<index of {count}>"))
}

/// Scripts split a row where two blanks meet, so a cell does not contain two.
fn single_spaced(cell: &str) -> String {
    cell.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Renders a row for each tag.
fn render(rows: &[Listed]) -> String {
    let mut cells = Vec::new();
    for row in rows {
        let untagged = [String::new()];
        let tags = if row.tags.is_empty() { &untagged[..] } else { &row.tags[..] };
        for tag in tags {
            cells.push([
                or_none(row.repository.as_deref().unwrap_or_default()),
                or_none(tag),
                single_spaced(&or_none(&row.author)),
                single_spaced(&name(row)),
                human(row.size),
                row.digest.to_string(),
            ]);
        }
    }
    table::render(["REPOSITORY", "TAG", "MAINTAINER", "NAME", "SIZE", "DIGEST"], &cells)
}

/// The fields of KitOps, and three more: the size in bytes, the number of ModelKits in an index, and the `linked` flag.
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
