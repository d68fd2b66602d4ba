//! `kit push`

use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::cli::closing::Moved;
use crate::cli::context::Context;
use crate::cli::dry_run::{self, DryRunArgs};
use crate::cli::network::NetworkArgs;
use crate::ops::{self, Copied, CopyOptions, Location, Origins, Place, Places};
use crate::progress::Phase;

/// Send a ModelKit to a registry
///
/// What the registry has already is not sent. The ModelKit appears there when it is whole.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit push registry.example/team/sentiment:v2
  kit push sentiment:v2 registry.example/team/sentiment:v2
  kit push sentiment:v2 localhost:5000/sentiment:v2 --plain-http
  kit push sentiment:v2 oci:/mnt/usb/sentiment:v2")]
pub(crate) struct PushArgs {
    /// The ModelKit, in the local store or an image layout (oci:FOLDER:TAG)
    #[arg(value_name = "NAME:TAG")]
    source: String,
    /// What to call it in the registry, or an image layout (oci:FOLDER:TAG) [default: the same name]
    #[arg(value_name = "DESTINATION")]
    destination: Option<String>,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl PushArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        let source = context.location(&self.source)?;
        let destination = match &self.destination {
            Some(text) => context.location(text)?,
            None => source.clone(),
        };
        let store = context.store()?;
        let client = self.network.client(&context.environment)?;
        let places = Places { store: &store, client: &client };
        let failure = || format!("Failed to push: cannot push `{source}` to `{destination}`");
        if self.dry_run.dry_run {
            return Self::show_plan(context, &places, &source, &destination).with_context(failure);
        }
        context.output.say(&announcement(&source, &destination));
        let copied = Self::copy(context, &places, &source, &destination).with_context(failure)?;
        context.output.result(format!("Pushed {}", copied.manifest.digest))?;
        context.output.say(&Moved::sent(&copied).in_words(start));
        Ok(())
    }

    fn copy(
        context: &Context,
        places: &Places<'_>,
        source: &Location,
        destination: &Location,
    ) -> Result<Copied, ops::Error> {
        let found = places.find(source, Place::Local)?;
        let (target, tag) = places.target(destination)?;
        let options = Self::options(places, destination)?;
        ops::copy((&*found.source, &found.name), (&*target, tag.as_deref()), &options, &context.bars)
    }

    fn show_plan(context: &Context, places: &Places<'_>, source: &Location, destination: &Location) -> Result<()> {
        let found = places.find(source, Place::Local)?;
        let options = Self::options(places, destination)?;
        let plan = ops::plan(&*found.source, &found.name, &places.look(destination)?, &options)?;
        dry_run::show(&context.output, &plan)
    }

    fn options(places: &Places<'_>, destination: &Location) -> Result<CopyOptions, ops::Error> {
        Ok(CopyOptions {
            jobs: places.jobs(&[destination]),
            origins: Origins::known_to(places.store, destination)?,
            phase: Phase::Uploading,
        })
    }
}

fn announcement(source: &Location, destination: &Location) -> String {
    if source == destination { format!("Pushing {source}") } else { format!("Pushing {source} to {destination}") }
}
