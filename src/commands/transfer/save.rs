//! `kit save`

use std::io::{self, IsTerminal};
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::Args;
use fs_err as fs;

use crate::arguments::{AllowSecretsArgs, LookupArgs, ReceiptArgs};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Output, counted, tidy, usage};
use kit_core::ops::{self, Destination, Location, Named, Saved, Session};
use kit_core::progress::human;
use kit_core::sys;

/// Save ModelKits to an archive, for air-gapped transfer
///
/// The archive is an OCI image layout, which `kit load`, skopeo and other tools read. It contains all blobs of the
/// ModelKits and their referrers, such as signatures. The same ModelKits always give the same bytes. ModelKits are
/// read from the local store, or directly from the registry without storing them locally. ModelKits that a model
/// refers to are listed, not saved.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit save sentiment:v2 -o sentiment.tar
  kit save registry.example/team/sentiment:v2 registry.example/team/toxic:v1 -o /mnt/usb/models
  kit save sentiment:v3 --since sentiment:v2 -o update.tar
  kit save sentiment:v2 -o - | ssh inside kit load -")]
pub(crate) struct SaveArgs {
    /// ModelKits to save
    #[arg(value_name = "NAME:TAG", required = true)]
    modelkits: Vec<String>,
    /// Output archive: a file if the name ends in .tar, otherwise a folder; `-` for standard output. An existing
    /// archive is replaced, and any other file is not
    #[arg(short, long, value_name = "FILE.tar|FOLDER|-")]
    output: String,
    /// Omit the layers of this ModelKit, which the receiver already has, by whole layers: a layer that differs in any
    /// byte is saved completely (repeatable)
    #[arg(long, value_name = "NAME:TAG")]
    since: Vec<String>,
    #[command(flatten)]
    lookup: LookupArgs,
    #[command(flatten)]
    secrets: AllowSecretsArgs,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl SaveArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        if self.output == "-" && io::stdout().is_terminal() {
            return Err(usage("refusing to write an archive to a terminal; use -o FILE.tar"));
        }
        if let Some(compressor) = compressor(&self.output).filter(|_| !Path::new(&self.output).is_dir()) {
            return Err(usage(format!(
                "`{}` would not be compressed, because most layers are; use -o FILE.tar, or `-o - | {compressor} > {}`",
                self.output, self.output
            )));
        }
        self.receipt.begin(context)?;
        if self.output == "-" && context.receipt.is_document() {
            return Err(usage("--format and `--output -` both write to standard output"));
        }
        self.save(context).with_context(|| format!("cannot save to `{}`", tidy(Path::new(&self.output))))
    }

    fn save(&self, context: &Context) -> Result<()> {
        let session = context.session(&self.network)?;
        let find = |names: &[String]| names.iter().map(|name| self.find(context, &session, name)).collect();
        let (modelkits, since): (Result<Vec<_>>, Result<Vec<_>>) = (find(&self.modelkits), find(&self.since));
        let (modelkits, since) = (modelkits?, since?);
        modelkits.iter().try_for_each(|named| self.secrets.check(&session, &named.found))?;
        let path = context.environment.absolute(Path::new(&self.output));
        let mut stream = Output::stream();
        let destination = match self.output.as_str() {
            "-" => Destination::Stream(&mut stream),
            _ if path.extension().is_some_and(|extension| extension == "tar") => {
                if fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
                    return Err(usage(format!("`{}` is not a regular file; `-o -` writes to a stream", self.output)));
                }
                Destination::Tar(&path)
            }
            _ => Destination::Folder(&path),
        };
        let saved = ops::save(&modelkits, &since, destination, &context.bars)?;
        drop(stream);
        if self.output != "-" && session.store.waits_for_disk() {
            sys::flush_disk(&path)?;
        }
        self.report(context, &saved)?;
        for Named { reference, found } in &modelkits {
            for parent in ops::parents(found)? {
                context.output.say(&format!("The model of {reference} refers to {parent}, which was not saved"));
            }
        }
        Ok(())
    }

    fn find(&self, context: &Context, session: &Session<'_>, name: &str) -> Result<Named> {
        let Location::Artifact(reference) = context.location(name)? else {
            return Err(usage(format!("`{name}` is an image layout, which is already an archive")));
        };
        let place = self.lookup.place();
        Ok(Named { found: session.find_reference(&reference, place)?, reference })
    }

    fn report(&self, context: &Context, saved: &Saved) -> Result<()> {
        for (reference, manifest) in saved.manifests.iter().filter(|_| self.output != "-") {
            let (digest, names) = (manifest.digest, [reference.to_string()]);
            let line = format!("Saved {reference} {digest}");
            context.receipt.made(&context.output, ("saved", digest), &names, line)?;
        }
        context.receipt.fact("totalBytes", saved.bytes);
        context.receipt.fact("omittedBytes", saved.omitted_bytes);
        context.receipt.fact("referrers", saved.referrers);
        let name = if self.output == "-" { "the archive".to_owned() } else { tidy(Path::new(&self.output)) };
        let mut words = vec![format!("Wrote {} to {name}", human(saved.bytes))];
        if saved.referrers > 0 {
            words.push(format!("with {}", counted(saved.referrers, "referrer")));
        }
        if saved.omitted_bytes > 0 {
            words.push(format!("without {} that the receiver already has", human(saved.omitted_bytes)));
        }
        context.output.say(&words.join(", "));
        Ok(())
    }
}

/// The program that writes files with the name of `output`, if that is the name of a compressed archive.
fn compressor(output: &str) -> Option<&'static str> {
    let name = output.to_ascii_lowercase();
    let ends = |endings: [&str; 2]| endings.iter().any(|ending| name.ends_with(ending));
    match () {
        () if ends([".tar.gz", ".tgz"]) => Some("gzip"),
        () if ends([".tar.zst", ".tzst"]) => Some("zstd"),
        () => None,
    }
}
