//! `kit inspect`

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use super::{tensors, trust};
use crate::arguments::{LookupArgs, report_local_store};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{self, Format};
use kit_core::modelkit::{CLI_VERSION, Family};
use kit_core::ops::{self, Inspected, Located, Location, Lookup};

/// Show the manifest and Kitfile, the tensors or the signatures of a ModelKit
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit inspect sentiment:v2
  kit inspect --remote registry.example/team/sentiment:v2
  kit inspect sentiment:v2 --format '{{.Digest}}'
  kit inspect --remote --tensors registry.example/team/sentiment:v2
  kit inspect --trust registry.example/team/sentiment:v2")]
pub(crate) struct InspectArgs {
    /// ModelKit to show
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    #[command(flatten)]
    lookup: LookupArgs,
    /// Show architecture, parameters, types and estimated memory of the models in the ModelKit
    ///
    /// Reads the headers of safetensors and GGUF files, and `config.json` in the same or a parent folder. No weights
    /// are downloaded, except for compressed layers, which have to be read completely. The data read is not verified.
    #[arg(long)]
    tensors: bool,
    /// Show the signatures and attestations beside the ModelKit, without verifying them
    #[arg(long, conflicts_with = "tensors")]
    trust: bool,
    /// Output format: json, yaml, or a Go template; also table with --tensors or --trust
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "json",
        default_value_ifs([("tensors", "true", "table"), ("trust", "true", "table")])
    )]
    format: Format,
    #[command(flatten)]
    network: NetworkArgs,
}

impl InspectArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        if self.trust {
            self.format.expect_fields(&trust::MEMBERS)?;
            return self.trust(context);
        }
        if self.tensors {
            self.format.expect_fields(&["digest", "models"])?;
            return self.tensors(context);
        }
        self.format.expect_fields(&["digest", "cliVersion", "kitfile", "manifest", "config"])?;
        let (found, location) = open(context, &self.network, &self.reference, self.lookup.place())?;
        let data = match ops::inspect(&found) {
            Err(ops::Error::NotAModelKit { .. }) if found.name.ends_with(ops::IMAGE_SUFFIX) => image_to_json(&found)?,
            inspected => to_json(&inspected.with_context(|| not_found(&location))?)?,
        };
        let json = output::to_json(&data)?;
        Ok(context.output.result(self.format.render(&data, || json)?)?)
    }

    fn trust(&self, context: &Context) -> Result<()> {
        let (location, _) = context.location_as_given(&self.reference)?.or_latest();
        let session = context.session(&self.network)?;
        let found = ops::find_signed(&session, &location, self.lookup.place()).with_context(|| not_found(&location))?;
        report_local_store(context, &location, &found);
        trust::print(context, &self.format, &found, &location.to_string())
    }

    fn tensors(&self, context: &Context) -> Result<()> {
        let (found, inspected) = find(context, &self.network, &self.reference, self.lookup.place())?;
        let models = ops::weigh(&*found.source, &inspected.modelkit, ops::jobs())
            .with_context(|| format!("cannot inspect the tensors of `{}`", self.reference))?;
        tensors::print(context, &self.format, &inspected, &models)
    }
}

/// Reads a ModelKit at `place`.
pub(crate) fn read(context: &Context, network: &NetworkArgs, reference: &str, place: Lookup) -> Result<Inspected> {
    find(context, network, reference, place).map(|(_, inspected)| inspected)
}

fn find(context: &Context, network: &NetworkArgs, reference: &str, place: Lookup) -> Result<(Located, Inspected)> {
    let (found, location) = open(context, network, reference, place)?;
    match ops::inspect(&found) {
        Ok(inspected) => Ok((found, inspected)),
        // It was found, but it is something else.
        Err(error @ ops::Error::NotAModelKit { .. }) => Err(error.into()),
        Err(error) => Err(error).with_context(|| not_found(&location)),
    }
}

fn open(context: &Context, network: &NetworkArgs, reference: &str, place: Lookup) -> Result<(Located, Location)> {
    // Scripts read both streams of `inspect --remote` as JSON, so a missing tag is not reported. They never see the
    // note about the local store, which --remote rules out.
    let (location, _) = context.location_as_given(reference)?.or_latest();
    let found = context.session(network)?.find(&location, place).with_context(|| not_found(&location))?;
    report_local_store(context, &location, &found);
    Ok((found, location))
}

/// The error text of `KitOps`.
fn not_found(location: &Location) -> String {
    format!("Could not find modelkit {location}")
}

/// The image form of a ModelKit has neither a Kitfile nor a version of kit, but a digest to pin.
fn image_to_json(found: &Located) -> Result<Value> {
    let descriptor = found.source.resolve(&found.name)?;
    let manifest: Value = serde_json::from_slice(&found.source.manifest(&descriptor)?)?;
    Ok(json!({ "digest": descriptor.digest, "manifest": manifest }))
}

fn to_json(inspected: &Inspected) -> Result<Value> {
    let version = inspected.modelkit.manifest.annotations.get(CLI_VERSION).map_or("unknown", String::as_str);
    let mut data = json!({
        "digest": inspected.descriptor.digest,
        "cliVersion": version,
    });
    // As in KitOps, an artifact of another tool without a Kitfile has none here; `kit info` derives one.
    if inspected.modelkit.has_kitfile() {
        data["kitfile"] = serde_json::from_slice(&inspected.kitfile_json())?;
    }
    data["manifest"] = serde_json::from_slice(&inspected.manifest_bytes)?;
    // The config of a ModelKit is its Kitfile.
    if inspected.modelkit.family != Family::ModelKit {
        data["config"] = serde_json::from_slice(&inspected.config_bytes)?;
    }
    Ok(data)
}
