//! `kit subset`

use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::arguments::{DigestReceiptArgs, LookupArgs, report_local_store};
use crate::commands::transfer::note_unsigned;
use crate::config::{NetworkArgs, now};
use crate::context::{Context, parse};
use crate::output::Moved;
use kit_core::ops::{self, CopyOptions, Filter, Located, Location, Origins, Selection, Session, SubsetOptions};
use kit_core::progress::Phase;

/// Publish some parts of a ModelKit as a ModelKit of its own
///
/// The new ModelKit has the selected layers of the original, unchanged, and a Kitfile with only their entries. Within
/// one registry the layers are mounted, if the registry supports that, and not transferred. Its manifest names the
/// digest of the original, and an attestation that lists the layers is attached to it: `kit lineage` and `kit verify`
/// compare the layers of both. A user with access to the
/// subset alone cannot read the other layers.
///
/// The attestation is not signed; the comparison with the manifest of the original is the proof. The same parts of the
/// same ModelKit always have the same digest.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit subset registry.example/team/sentiment:v2 --filter model,docs -t registry.example/app/sentiment:v2
  kit subset sentiment:v2 --filter model -t sentiment:v2-model
  kit subset registry.example/team/sentiment:v2 --filter model --filter docs:README.md -t oci:/mnt/usb/sentiment:v2")]
pub(crate) struct SubsetArgs {
    /// ModelKit to take the parts from
    #[arg(value_name = "NAME:TAG")]
    source: String,
    /// Parts to take: TYPES[:NAMES], both comma-separated; types are model, model.parts, datasets, code, docs, prompts
    /// and mcpServers (repeatable)
    #[arg(short, long, value_name = "FILTER", required = true)]
    filter: Vec<String>,
    /// Name of the new ModelKit, in a registry, an OCI image layout (oci:FOLDER:TAG) or the local store
    #[arg(short, long, value_name = "NAME:TAG")]
    tag: String,
    #[command(flatten)]
    lookup: LookupArgs,
    #[command(flatten)]
    receipt: DigestReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl SubsetArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let filters = self.filter.iter().map(|filter| parse::<Filter>(filter)).collect::<Result<Vec<_>>>()?;
        let source = context.location(&self.source)?;
        let destination = context.location(&self.tag)?;
        let published = self.publish(context, &source, &destination, Selection::new(filters));
        published.with_context(|| format!("cannot publish a subset of `{source}` as `{destination}`"))
    }

    fn publish(
        &self,
        context: &Context,
        source: &Location,
        destination: &Location,
        selection: Selection,
    ) -> Result<()> {
        let start = Instant::now();
        let session = context.session(&self.network)?;
        let found = session.find(source, self.lookup.place())?;
        report_local_store(context, source, &found);
        ops::admit_copy(&session, &found, destination)?;
        let options = SubsetOptions {
            selection,
            copying: CopyOptions {
                jobs: session.jobs(&[source, destination]),
                origins: origins(&session, source, destination, &found)?,
                phase: Phase::Copying,
            },
            builder: context.environment.builder.clone(),
            time: now(),
        };
        let is_signed = ops::is_signed(&found)?;
        let copied = ops::publish_subset(&session, (&found, source), destination, &options)?;
        let digest = copied.manifest.digest;
        let names = [destination.to_string()];
        context.receipt.made(&context.output, ("published", digest), &names, format!("Published {digest}"))?;
        context.receipt.copied(&copied);
        context.output.say(&Moved::sent(&copied).in_words(start));
        if is_signed {
            note_unsigned(context, &source.to_string(), &names);
        }
        Ok(())
    }
}

/// The repositories that the layers may be mounted from.
fn origins(
    session: &Session<'_>,
    source: &Location,
    destination: &Location,
    found: &Located,
) -> Result<Origins, ops::Error> {
    if found.is_remote {
        return Ok(Origins::beside(source, destination));
    }
    Origins::known_to(&session.store, destination)
}
