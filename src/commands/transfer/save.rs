//! `kit save`

use std::io::{self, IsTerminal};
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Output, usage};
use kit_core::ops::{self, Destination, Location, Lookup, Named, Saved, Session};
use kit_core::progress::human;

/// Save ModelKits as an archive, for places that no network reaches
///
/// The archive is an OCI image layout, which `kit load`, skopeo and other tools read, with everything that the ModelKits need, and
/// with what is about them, such as signatures. The same ModelKits give the same bytes. Takes them from the local store, or else
/// straight from a registry; then nothing is stored here. ModelKits that a model refers to are named, not saved.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit save sentiment:v2 -o sentiment.tar
  kit save registry.example/team/sentiment:v2 registry.example/team/toxic:v1 -o /mnt/usb/models
  kit save sentiment:v3 --since sentiment:v2 -o update.tar
  kit save sentiment:v2 -o - | ssh inside kit load -")]
pub(crate) struct SaveArgs {
    /// The ModelKits
    #[arg(value_name = "NAME:TAG", required = true)]
    modelkits: Vec<String>,
    /// The archive: a file if its name ends in .tar, a folder if not, `-` for standard output
    #[arg(short, long, value_name = "FILE.tar|FOLDER|-")]
    output: String,
    /// Leave out what this ModelKit has; the other side has it already (repeatable)
    #[arg(long, value_name = "NAME:TAG")]
    since: Vec<String>,
    /// Ask the registry, whether the ModelKits are here or not
    #[arg(short, long)]
    remote: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

impl SaveArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        if self.output == "-" && io::stdout().is_terminal() {
            return Err(usage("a terminal is no place for an archive; -o FILE.tar writes it to a file"));
        }
        self.save(context).with_context(|| format!("cannot save to `{}`", self.output))
    }

    fn save(&self, context: &Context) -> Result<()> {
        let (store, client) = (context.store()?, self.network.client(&context.environment)?);
        let session = Session { store: &store, client: &client };
        let find = |names: &[String]| names.iter().map(|name| self.find(context, &session, name)).collect();
        let (modelkits, since): (Result<Vec<_>>, Result<Vec<_>>) = (find(&self.modelkits), find(&self.since));
        let (modelkits, since) = (modelkits?, since?);
        let path = context.environment.absolute(Path::new(&self.output));
        let mut stream = Output::stream();
        let destination = match self.output.as_str() {
            "-" => Destination::Stream(&mut stream),
            _ if path.extension().is_some_and(|extension| extension == "tar") => Destination::Tar(&path),
            _ => Destination::Folder(&path),
        };
        let saved = ops::save(&modelkits, &since, destination, &context.bars)?;
        drop(stream);
        self.tell(context, &saved)?;
        for Named { reference, found } in &modelkits {
            for parent in ops::parents(found)? {
                context.output.say(&format!("The model of {reference} refers to {parent}, which was not saved"));
            }
        }
        Ok(())
    }

    fn find(&self, context: &Context, session: &Session<'_>, name: &str) -> Result<Named> {
        let Location::Artifact(reference) = context.location(name)? else {
            return Err(usage(format!("`{name}` is an image layout, which is an archive already")));
        };
        let place = if self.remote { Lookup::Remote } else { Lookup::Anywhere };
        Ok(Named { found: session.find_reference(&reference, place)?, reference })
    }

    fn tell(&self, context: &Context, saved: &Saved) -> Result<()> {
        for (reference, manifest) in saved.manifests.iter().filter(|_| self.output != "-") {
            context.output.result(format!("Saved {reference} {}", manifest.digest))?;
        }
        let mut words = vec![format!("{} to {}", human(saved.bytes), self.output)];
        if saved.referrers > 0 {
            words.push(format!("with {} about them", saved.referrers));
        }
        if saved.omitted_bytes > 0 {
            words.push(format!("without {} that the other side has", human(saved.omitted_bytes)));
        }
        context.output.say(&words.join(", "));
        Ok(())
    }
}
