//! `kit diff`

use std::fmt::Write;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::context::Context;
use crate::cli::format::Format;
use crate::cli::network::NetworkArgs;
use crate::ops::{self, Difference, Found, LayerRow, Place, Places};
use crate::progress::human;

/// Compare two ModelKits
///
/// Each is looked for in the local store, then in its registry; `local://` or `remote://` in front decides. No layer is
/// downloaded.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit diff sentiment:v1 sentiment:v2
  kit diff local://registry.example/team/sentiment:v2 remote://registry.example/team/sentiment:v2")]
pub(crate) struct DiffArgs {
    /// The first ModelKit
    #[arg(value_name = "FIRST")]
    first: String,
    /// The second ModelKit
    #[arg(value_name = "SECOND")]
    second: String,
    /// table, json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    network: NetworkArgs,
}

impl DiffArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let store = context.store()?;
        let client = self.network.client(&context.environment)?;
        let places = Places { store: &store, client: &client };
        let first = find(context, &places, &self.first)?;
        let second = find(context, &places, &self.second)?;
        let difference = ops::diff(&first, &second)
            .with_context(|| format!("cannot compare `{}` with `{}`", self.first, self.second))?;
        let text = self.format.render(&self.to_json(&difference), || self.render(&difference))?;
        Ok(context.output.result(text)?)
    }

    fn to_json(&self, difference: &Difference) -> Value {
        let rows = |rows: &[LayerRow]| -> Value {
            rows.iter()
                .map(|row| json!({ "mediaType": row.media_type, "path": row.path, "digest": row.digest, "size": row.size }))
                .collect()
        };
        let side = |name: &str, inspected: &ops::Inspected| {
            json!({
                "reference": name,
                "digest": inspected.descriptor.digest,
                "config": inspected.modelkit.manifest.config.digest,
                "annotations": inspected.modelkit.manifest.annotations,
            })
        };
        json!({
            "identical": difference.is_none(),
            "first": side(&self.first, &difference.first),
            "second": side(&self.second, &difference.second),
            "sharedLayers": rows(&difference.shared),
            "uniqueToFirst": rows(&difference.only_first),
            "uniqueToSecond": rows(&difference.only_second),
        })
    }

    fn render(&self, difference: &Difference) -> String {
        if difference.is_none() {
            return "ModelKits are identical\n".to_owned();
        }
        let (first, second) = (&difference.first, &difference.second);
        let manifests = (&first.modelkit.manifest, &second.modelkit.manifest);
        let mut text = String::new();
        section(&mut text, "Comparing", &pair(&self.first, &self.second));
        let digests = (first.descriptor.digest.to_string(), second.descriptor.digest.to_string());
        section(&mut text, "Manifests", &pair(&digests.0, &digests.1));
        let configs = (manifests.0.config.digest.to_string(), manifests.1.config.digest.to_string());
        section(&mut text, "Configurations", &same_or_pair(&configs.0, &configs.1));
        let annotations = (show(&manifests.0.annotations), show(&manifests.1.annotations));
        section(&mut text, "Annotations", &same_or_pair(&annotations.0, &annotations.1));
        section(&mut text, "Shared Layers", &layers(&difference.shared));
        section(&mut text, &format!("Unique Layers to ModelKit1 ({})", self.first), &layers(&difference.only_first));
        section(&mut text, &format!("Unique Layers to ModelKit2 ({})", self.second), &layers(&difference.only_second));
        text
    }
}

fn find(context: &Context, places: &Places<'_>, text: &str) -> Result<Found> {
    let (place, text) = match (text.strip_prefix("local://"), text.strip_prefix("remote://")) {
        (Some(rest), _) => (Place::Local, rest),
        (_, Some(rest)) => (Place::Remote, rest),
        _ => (Place::Anywhere, text),
    };
    Ok(places.find(&context.location(text)?, place)?)
}

/// The width of the rules between sections (`KitOps`).
const RULE: usize = 39;

fn section(text: &mut String, heading: &str, body: &str) {
    let gap = if text.is_empty() { "" } else { "\n" };
    write!(text, "{gap}{heading}:\n{}\n{body}", "-".repeat(RULE)).expect("writing to a text does not fail");
}

fn pair(first: &str, second: &str) -> String {
    format!("ModelKit1: {first}\nModelKit2: {second}\n")
}

fn same_or_pair(first: &str, second: &str) -> String {
    if first == second { format!("Identical: {first}\n") } else { pair(first, second) }
}

fn show(annotations: &crate::oci::Annotations) -> String {
    let pairs: Vec<_> = annotations.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(", ") }
}

fn layers(rows: &[LayerRow]) -> String {
    if rows.is_empty() {
        return "<none>\n".to_owned();
    }
    let mut text = format!("{:<9} | {:<18} | {:<10} | Path\n", "Type", "Digest", "Size");
    for row in rows {
        let word = row.media_type.rsplit('.').nth(2).unwrap_or(&row.media_type);
        let digest = row.digest.to_string();
        writeln!(text, "{word:<9} | {:<18} | {:<10} | {}", &digest[..17], human(row.size), row.path)
            .expect("writing to a text does not fail");
    }
    text
}
