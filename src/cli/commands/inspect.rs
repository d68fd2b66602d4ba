//! `kit inspect`

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::format::Format;
use crate::cli::network::NetworkArgs;
use crate::ops::{self, CLI_VERSION, Inspected, Place, Places};

/// Show the manifest and the Kitfile of a ModelKit
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit inspect sentiment:v2
  kit inspect --remote registry.example/team/sentiment:v2
  kit inspect sentiment:v2 --format '{{.Digest}}'")]
pub(crate) struct InspectArgs {
    /// The ModelKit
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    /// Ask the registry, not the local store
    #[arg(short, long)]
    remote: bool,
    /// json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: Format,
    #[command(flatten)]
    network: NetworkArgs,
}

impl InspectArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let inspected = read(context, &self.network, &self.reference, self.remote)?;
        let data = to_json(&inspected)?;
        let json = serde_json::to_string_pretty(&data)?;
        Ok(context.output.result(self.format.render(&data, || json)?)?)
    }
}

/// Reads a ModelKit from the local store, or with `remote` from its registry.
pub(super) fn read(context: &Context, network: &NetworkArgs, reference: &str, remote: bool) -> Result<Inspected> {
    let location = context.location(reference)?;
    let store = context.store()?;
    let client = network.client(&context.environment)?;
    let places = Places { store: &store, client: &client };
    let found = places.find(&location, if remote { Place::Remote } else { Place::Local });
    found.and_then(|found| ops::inspect(&found)).with_context(|| format!("Could not find modelkit {location}"))
}

fn to_json(inspected: &Inspected) -> Result<Value> {
    let version = inspected.modelkit.manifest.annotations.get(CLI_VERSION).map_or("unknown", String::as_str);
    Ok(json!({
        "digest": inspected.descriptor.digest,
        "cliVersion": version,
        "kitfile": serde_json::from_slice::<Value>(&inspected.config_bytes)?,
        "manifest": serde_json::from_slice::<Value>(&inspected.manifest_bytes)?,
    }))
}
