//! `kit list`

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use super::table::{self, Terminal, or_none};
use crate::commands::handoff::recall_to_json;
use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Format, one_line};
use kit_core::digest::Digest;
use kit_core::oci::Reference;
use kit_core::ops::{self, Filter, Listed, Location, Recalled, Selection};
use kit_core::progress::human;
use kit_core::registry;
use kit_core::store::Store;

/// List ModelKits in the local store or a registry
///
/// Without an argument, lists all ModelKits in the local store; with a repository in a registry, lists its tags; with
/// the host of a registry, lists its repositories, if it permits that. For an index, the NAME column shows the number
/// of its ModelKits. Versions in a registry that were recalled are reported, and have `yes` in the RECALLED column.
///
/// On a terminal, the table fits its width: it has short digests, the age of ModelKits that were packed here, and only
/// columns with a value. Otherwise it has the columns of KitOps.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit list
  kit list registry.example/team/sentiment
  kit list registry.example
  kit list --filter prompts --filter datasets:train
  kit list --format '{{.Repo}} {{.Tags}} {{.Digest}}'")]
pub(crate) struct ListArgs {
    /// Repository to list; with a registry host, it is read from the registry. A host alone lists its repositories
    #[arg(value_name = "REPOSITORY")]
    repository: Option<String>,
    /// List only ModelKits with a matching part: TYPES[:NAMES], both comma-separated; types are kitfile, model,
    /// datasets, code, docs, prompts and mcpServers (repeatable)
    #[arg(short, long, value_name = "FILTER")]
    filter: Vec<String>,
    /// Output format: table, json, yaml, or a Go template with `.Repo`, `.Tags`, `.Digest`, `.ModelName`, `.Size`,
    /// `.Author`, `.ModelKits`, `.Linked`
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// Read from the registry, even if the ModelKit is in the local store; a name with a registry is always read from
    /// there
    #[arg(short, long, requires = "repository")]
    remote: bool,
    /// Show whole digests and cells on a terminal, even if lines wrap
    #[arg(long)]
    no_trunc: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

impl ListArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        if let Some(registry) = self.registry(context)? {
            self.format.expect_fields(&["repo"])?;
            return self.list_repositories(context, registry);
        }
        self.format.expect_fields(&FIELDS)?;
        let rows = self.rows(context)?;
        let repository = self.remote_repository();
        let recalls = self.recalls(context, &rows)?;
        let terminal = match context.output.result_columns() {
            Some(columns) if matches!(self.format, Format::Table) => Some(self.terminal(context, columns, &recalls)?),
            _ => None,
        };
        let text = self.format.render_rows(
            &rows,
            |row| with_recalls(to_json(row, repository.as_deref(), &self.format), recalls.get(&row.digest)),
            || match &terminal {
                Some(terminal) => terminal.render(rows.clone()),
                None => table::render(&rows),
            },
        )?;
        context.output.result(text)?;
        if rows.is_empty()
            && self.repository.is_none()
            && self.filter.is_empty()
            && matches!(self.format, Format::Table)
        {
            context.output.say("The local store is empty: `kit pack` and `kit pull` add ModelKits to it");
        }
        report_links(context, &rows);
        Ok(())
    }

    /// The properties of the table on a terminal.
    fn terminal(&self, context: &Context, columns: usize, recalls: &Recalls) -> Result<Terminal> {
        let repository = self.remote_repository();
        Ok(Terminal {
            columns: (!self.no_trunc).then_some(columns),
            times: if repository.is_some() { HashMap::new() } else { ops::creation_times(&context.store()?)? },
            now: context.environment.time,
            recalled: recalls.iter().filter(|(_, found)| is_recalled(found)).map(|(digest, _)| *digest).collect(),
            repository,
        })
    }

    /// The repository with its registry, if the argument names one.
    fn remote_repository(&self) -> Option<String> {
        let reference = self.repository.as_ref()?.parse::<Reference>().ok()?;
        (!reference.is_local()).then(|| reference.full_repository())
    }

    /// The recalls of the versions of a remote repository, which are reported; none for other places.
    fn recalls(&self, context: &Context, rows: &[Listed]) -> Result<Recalls> {
        let reference = self.repository.as_ref().and_then(|text| text.parse::<Reference>().ok());
        let Some(reference) = reference.filter(|reference| !reference.is_local()) else { return Ok(Recalls::new()) };
        let (session, name) = (context.session(&self.network)?, reference.full_repository());
        let title =
            |row: &Listed| row.tags.first().map_or(format!("{name}@{}", row.digest), |tag| format!("{name}:{tag}"));
        let versions: Vec<_> = rows.iter().map(|row| (row.digest, title(row))).collect();
        let jobs = session.client.concurrency(&reference.registry);
        let found = ops::recalls_of_versions(&session, &reference, &versions, jobs)?;
        let known = versions.into_iter().zip(found).filter_map(|((digest, _), found)| Some((digest, found?)));
        Ok(known.collect())
    }

    /// The registry that the argument names: a host without a repository. The name of a local repository comes first.
    fn registry(&self, context: &Context) -> Result<Option<&str>> {
        let Some(text) = &self.repository else { return Ok(None) };
        let Some(host) = host(text) else { return Ok(None) };
        let local = text.parse::<Reference>().ok().filter(Reference::is_local);
        let is_local = match local {
            Some(reference) => {
                !ops::list_local(&context.store()?, Some(&reference), &Selection::default(), &context.bars)?.is_empty()
            }
            None => false,
        };
        Ok((!is_local).then_some(host))
    }

    fn list_repositories(&self, context: &Context, registry: &str) -> Result<()> {
        let client = self.network.client(&context.environment, context.bars.notifier())?;
        let names = client.repositories(registry).map_err(|error| unlisted(registry, error))?;
        let line = |name: &String| format!("{registry}/{}", one_line(name));
        let lines = || names.iter().map(line).collect::<Vec<_>>().join("\n");
        let to_json = |name: &String| json!({ "repo": format!("{registry}/{name}") });
        Ok(context.output.result(self.format.render_rows(&names, to_json, lines)?)?)
    }

    fn rows(&self, context: &Context) -> Result<Vec<Listed>> {
        let filters = self.filter.iter().map(|filter| parse::<Filter>(filter)).collect::<Result<_>>()?;
        let (store, selection) = (context.store()?, Selection::new(filters));
        let Some(text) = &self.repository else { return Ok(ops::list_local(&store, None, &selection, &context.bars)?) };
        match context.location_as_given(text)? {
            Location::Artifact(reference) if reference.is_local() && self.remote => {
                Err(ops::Error::NoRegistry(reference).into())
            }
            Location::Artifact(reference) if reference.is_local() => {
                local_rows(context, &store, &reference, &selection)
            }
            Location::Artifact(reference) => self.remote_rows(context, &reference, &selection),
            Location::Layout { path, .. } => {
                let layout = store.open_layout(&path)?;
                layout.expect_layout()?;
                Ok(ops::list_layout(&layout, &format!("oci:{}", path.display()), &selection, &context.bars)?)
            }
        }
    }

    fn remote_rows(&self, context: &Context, reference: &Reference, selection: &Selection) -> Result<Vec<Listed>> {
        let client = self.network.client(&context.environment, context.bars.notifier())?;
        let jobs = client.concurrency(&reference.registry);
        let fetched = context.store()?.fetched_documents();
        ops::list_remote(&client.repository(reference), reference, selection, (jobs, fetched), &context.bars)
            .with_context(|| format!("cannot list `{reference}`"))
    }
}

/// The ModelKits with this name in the local store. A name that does not exist is an error; a filter may match nothing.
fn local_rows(context: &Context, store: &Store, reference: &Reference, selection: &Selection) -> Result<Vec<Listed>> {
    let list = |selection| ops::list_local(store, Some(reference), selection, &context.bars);
    let rows = list(selection)?;
    if rows.is_empty() && list(&Selection::default())?.is_empty() {
        return Err(ops::not_here(store, reference).into());
    }
    Ok(rows)
}

/// Returns the host in `text` if it can only be that of a registry: a domain, or `localhost` with a port.
fn host(text: &str) -> Option<&str> {
    let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("oci://")).unwrap_or(text);
    let host = text.strip_suffix('/').unwrap_or(text);
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    let is_name = !name.is_empty() && name.bytes().all(|sign| sign.is_ascii_alphanumeric() || b".-".contains(&sign));
    let is_domain = name.contains('.') && !name.starts_with('.') && !name.ends_with('.');
    let is_host = (is_domain || name == "localhost" && port.is_some()) && is_name && port.is_none_or(is_port);
    is_host.then_some(host)
}

/// The error for a registry whose repositories cannot be listed, `because` of an answer or because there is none.
fn unlisted(registry: &str, because: registry::Error) -> anyhow::Error {
    let has_no_list = matches!(
        because.failure(),
        registry::Error::NotFound { .. } | registry::Error::Denied { .. } | registry::Error::Unsupported { .. }
    );
    let text = if has_no_list {
        format!(
            "`{registry}` does not list its repositories, like many registries; name one, as in `kit list \
             {registry}/REPOSITORY`"
        )
    } else {
        format!("cannot list the repositories of `{registry}`")
    };
    anyhow::Error::new(because).context(text)
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

/// Returns `text`, or null if it is blank. A template prints the word of the table instead of null, as in KitOps.
pub(crate) fn or_null(text: &str, format: &Format) -> Value {
    match format {
        Format::Template(_) => or_none(text).into(),
        _ if text.trim().is_empty() => Value::Null,
        _ => text.into(),
    }
}

/// The recalls of versions by their digests. Those that could not be read are missing.
type Recalls = HashMap<Digest, Vec<Recalled>>;

fn is_recalled(found: &[Recalled]) -> bool {
    found.iter().any(Recalled::counts)
}

/// Adds the recalls of a version to its members.
fn with_recalls(mut data: Value, found: Option<&Vec<Recalled>>) -> Value {
    data["recalled"] = json!(found.map(|found| is_recalled(found)));
    data["recalls"] = json!(found.map(|found| found.iter().map(recall_to_json).collect::<Value>()));
    data
}

/// The names of the members that [`to_json`] and [`with_recalls`] return.
const FIELDS: [&str; 12] = [
    "repo",
    "digest",
    "tags",
    "modelName",
    "size",
    "sizeBytes",
    "modelKits",
    "author",
    "linked",
    "names",
    "recalled",
    "recalls",
];

/// The fields of KitOps, in which a repository of a registry lacks its host, and four more: the full names that other
/// commands accept, the size in bytes, the number of ModelKits in an index, and the `linked` flag.
fn to_json(row: &Listed, repository: Option<&str>, format: &Format) -> Value {
    let full = repository.or(row.repository.as_deref());
    let names = full.map(|full| row.tags.iter().map(|tag| format!("{full}:{tag}")).collect::<Vec<_>>());
    json!({
        "repo": or_null(row.repository.as_deref().unwrap_or_default(), format),
        "digest": row.digest,
        "tags": if row.tags.is_empty() { Value::Null } else { json!(row.tags) },
        "modelName": or_null(&row.name, format),
        "size": human(row.size),
        "sizeBytes": row.size,
        "modelKits": row.modelkits,
        "author": or_null(&row.author, format),
        "linked": row.is_linked,
        "names": names,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_alone_is_a_registry() {
        for (text, expected) in [
            ("registry.example", Some("registry.example")),
            ("registry.example:5000", Some("registry.example:5000")),
            ("registry.example/", Some("registry.example")),
            ("https://registry.example/", Some("registry.example")),
            ("127.0.0.1:5000", Some("127.0.0.1:5000")),
            ("localhost:5000", Some("localhost:5000")),
            ("localhost", None),
            ("localhost:v1", None),
            ("model:1", None),
            ("model", None),
            ("registry.example/model", None),
            (".", None),
            ("..", None),
            ("registry.example:v1", None),
        ] {
            assert_eq!(host(text), expected, "{text}");
        }
    }
}
