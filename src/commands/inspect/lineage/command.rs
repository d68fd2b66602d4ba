//! `kit lineage`

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use super::picture::{self, proof, word};
use crate::arguments::{LookupArgs, report_local_store};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output;
use kit_core::ops::{self, Edge, Lineage, Node};

/// Show the base model, parents and datasets that a ModelKit is built from
///
/// Each step is either *declared*, which means that a Kitfile or an attestation names it, or *verified by digest*,
/// which means that it is named with a digest and content with that digest was found. ModelKits are looked up in the
/// local store, then in their registries; those that cannot be found are shown by name only. The original of a
/// ModelKit that `kit subset` made is verified by comparing the layers of both.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit lineage sentiment:v2
  kit lineage --remote registry.example/team/sentiment:v2
  kit lineage sentiment:v2 --format mermaid >> README.md
  kit lineage sentiment:v2 --format dot | dot -Tsvg > lineage.svg")]
pub(crate) struct LineageArgs {
    /// ModelKit to show
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    #[command(flatten)]
    lookup: LookupArgs,
    /// Output format: tree, dot (Graphviz), mermaid (Markdown) or json
    #[arg(long, value_name = "FORMAT", default_value = "tree")]
    format: Picture,
    #[command(flatten)]
    network: NetworkArgs,
}

/// The value of --format.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Picture {
    /// A tree for the terminal
    Tree,
    /// A graph for Graphviz
    Dot,
    /// A flowchart for Markdown
    Mermaid,
    /// JSON for scripts
    Json,
}

impl LineageArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let location = context.location(&self.reference)?;
        let session = context.session(&self.network)?;
        let lineage = session
            .find(&location, self.lookup.place())
            .inspect(|found| report_local_store(context, &location, found))
            .and_then(|found| ops::lineage(&session, &location, &found))
            .with_context(|| format!("cannot show the lineage of `{location}`"))?;
        let text = match self.format {
            Picture::Tree => picture::tree(&lineage),
            Picture::Dot => picture::dot(&lineage),
            Picture::Mermaid => picture::mermaid(&lineage),
            Picture::Json => output::to_json(&to_json(&lineage))?,
        };
        Ok(context.output.result(text)?)
    }
}

pub(crate) fn to_json(lineage: &Lineage) -> Value {
    let node = |(id, node): (usize, &Node)| json!({ "id": id, "name": node.name, "digest": node.digest });
    let edge =
        |edge: &Edge| json!({ "from": edge.from, "to": edge.to, "kind": word(edge.kind), "proof": proof(edge.proof) });
    json!({
        "nodes": lineage.nodes.iter().enumerate().map(node).collect::<Value>(),
        "edges": lineage.edges.iter().map(edge).collect::<Value>(),
    })
}
