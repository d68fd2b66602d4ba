//! `kit load`

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Moved, usage};
use kit_core::oci::Reference;
use kit_core::ops::{self, CopyOptions, Layout, LoadTo, Location, Origins, Session};
use kit_core::progress::Phase;

/// Load the ModelKits of an archive, here or into a registry
///
/// Reads what `kit save` wrote, and any OCI image layout with ModelKits in it. Everything is verified; an archive that lacks
/// something is refused, unless the other side has it. ModelKits keep their names; where only a tag is known, the name of the file
/// is that of the repository.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit load sentiment.tar
  kit load /mnt/usb/models
  kit load /mnt/usb/models --push inside.example
  ssh outside kit save sentiment:v2 -o - | kit load -
  kit load sentiment.tar --push inside.example/mirror/sentiment:v2")]
pub(crate) struct LoadArgs {
    /// The archive; `-` reads a tar from standard input, and keeps its blobs here
    #[arg(value_name = "FILE|FOLDER|-")]
    archive: PathBuf,
    /// Send them to this registry, each into a repository of its own name, or into this repository, and store nothing here
    #[arg(long, value_name = "REGISTRY[/REPOSITORY[:TAG]]")]
    push: Option<String>,
    #[command(flatten)]
    network: NetworkArgs,
}

impl LoadArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let to = self.push.as_deref().map_or(Ok(LoadTo::Store), load_to)?;
        self.load(context, &to).with_context(|| format!("cannot load `{}`", self.archive.display()))
    }

    fn load(&self, context: &Context, to: &LoadTo) -> Result<()> {
        let start = Instant::now();
        let (store, client) = (context.store()?, self.network.client(&context.environment)?);
        let session = Session { store: &store, client: &client };
        let path = context.environment.absolute(&self.archive);
        let layout =
            if self.archive == Path::new("-") { Layout::receive(io::stdin(), &store)? } else { Layout::open(&path)? };
        let (jobs, phase) = match to {
            LoadTo::Store => (ops::jobs(), Phase::Copying),
            LoadTo::Registry(registry) => (client.concurrency(registry), Phase::Uploading),
            LoadTo::Repository(place) => (session.jobs(&[&Location::Artifact(place.clone())]), Phase::Uploading),
        };
        let options = CopyOptions { jobs, origins: Origins::default(), phase };
        for loaded in ops::load(&session, &layout, &named_after(&path), to, &options, &context.bars)? {
            context.output.result(format!("Loaded {} {}", loaded.reference, loaded.copied.manifest.digest))?;
            let moved = Moved { mounted: None, ..Moved::sent(&loaded.copied) };
            context.output.say(&moved.in_words(start));
        }
        Ok(())
    }
}

/// A registry alone, or a repository in one.
fn load_to(text: &str) -> Result<LoadTo> {
    if !text.contains('/') {
        // Any repository shows whether it is one.
        let probe: Reference = parse(&format!("{text}/x"))?;
        if probe.is_local() {
            return Err(usage(format!("`{text}` is no registry")));
        }
        return Ok(LoadTo::Registry(probe.registry));
    }
    let repository: Reference = parse(text)?;
    if repository.is_local() || repository.digest.is_some() {
        return Err(usage(format!("`{text}` is neither a registry nor a repository of one")));
    }
    Ok(LoadTo::Repository(repository))
}

/// A repository with the name of the file, as far as that is one.
fn named_after(path: &Path) -> Reference {
    let stem = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let named = stem.parse::<Reference>().or_else(|_| "archive".parse());
    named.expect("`archive` is a name").without_selector()
}
