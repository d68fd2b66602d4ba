//! `kit load`

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use fs_err as fs;

use crate::arguments::ReceiptArgs;
use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Code, Failure, Moved, tidy, usage};
use kit_core::oci::Reference;
use kit_core::ops::{self, Copied, CopyOptions, Layout, LoadTo, Location, Origins, Session};
use kit_core::progress::{Phase, Task, human};

/// Load ModelKits from an archive into the local store or a registry
///
/// Reads archives written by `kit save`, and any OCI image layout that contains ModelKits. All content is verified. An
/// incomplete archive is rejected, unless the destination already has the missing blobs. ModelKits keep their names;
/// if the archive contains a tag only, the repository is named after the file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit load sentiment.tar
  kit load /mnt/usb/models
  kit load /mnt/usb/models --push inside.example
  ssh outside kit save sentiment:v2 -o - | kit load -
  kit load sentiment.tar --push inside.example/mirror/sentiment:v2")]
pub(crate) struct LoadArgs {
    /// Archive to load; `-` reads a tar archive from standard input. A stream, and an archive that is compressed with
    /// gzip or zstd, are read from front to back, and their blobs are stored locally
    #[arg(value_name = "FILE|FOLDER|-")]
    archive: PathBuf,
    /// Push to this registry, keeping repository names, or to this repository, instead of the local store
    #[arg(long, value_name = "REGISTRY[/REPOSITORY[:TAG]]")]
    push: Option<String>,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl LoadArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let to = self.push.as_deref().map_or(Ok(LoadTo::Store), load_to)?;
        self.load(context, &to).with_context(|| format!("cannot load `{}`", tidy(&self.archive)))
    }

    fn load(&self, context: &Context, to: &LoadTo) -> Result<()> {
        let start = Instant::now();
        let session = context.session(&self.network)?;
        let path = context.environment.absolute(&self.archive);
        let is_input = self.archive == Path::new("-");
        if !is_input && !path.exists() {
            return Err(Failure::error(Code::NotFound, format!("`{}` does not exist", tidy(&self.archive))));
        }
        // A compressed archive can only be read from front to back.
        let is_stream = is_input || ops::is_compressed(&path)?;
        let (layout, received_bytes) = match is_stream {
            true if is_input => receive(&session, io::stdin(), "standard input")?,
            true => receive(&session, fs::File::open(&path)?, &tidy(&self.archive))?,
            false => (Layout::open(&path)?, 0),
        };
        let (jobs, phase) = match to {
            LoadTo::Store => (ops::jobs(), Phase::Copying),
            LoadTo::Registry(registry) => (session.client.concurrency(registry), Phase::Uploading),
            LoadTo::Repository(place) => (session.jobs(&[&Location::Artifact(place.clone())]), Phase::Uploading),
        };
        let options = CopyOptions { jobs, origins: Origins::default(), phase };
        let mut copied = Vec::new();
        for loaded in ops::load(&session, &layout, &named_after(&path), to, &options)? {
            let (digest, names) = (loaded.copied.manifest.digest, [loaded.reference.to_string()]);
            let line = format!("Loaded {} {digest}", loaded.reference);
            context.receipt.made(&context.output, ("loaded", digest), &names, line)?;
            context.receipt.copied(&loaded.copied);
            copied.push(loaded.copied);
        }
        let verb = if *to == LoadTo::Store { "loaded" } else { "sent" };
        context.output.say(&if is_stream && *to == LoadTo::Store {
            // The blobs are in the local store as soon as they are read.
            Moved { done: (received_bytes, "read"), reused: None, mounted: None, resumed: 0 }.in_words(start)
        } else {
            moved(&copied, verb).in_words(start)
        });
        Ok(())
    }
}

/// Stores the blobs of the archive that is read from `stream`, and returns the number of bytes that were read.
fn receive(session: &Session<'_>, stream: impl Read + Send, name: &str) -> Result<(Layout, u64)> {
    let task = session.progress.start(Phase::Copying, name, None);
    let mut stream = Counted { stream, task, bytes: 0 };
    let layout = Layout::receive(&mut stream, &session.store);
    if layout.is_err() && stream.bytes == 0 {
        return Err(Failure::error(Code::Failed, format!("{name} is empty")));
    }
    Ok((layout?, stream.bytes))
}

/// The summary of all ModelKits of an archive.
fn moved(copied: &[Copied], verb: &'static str) -> Moved {
    let total = |bytes: fn(&Copied) -> u64| copied.iter().map(bytes).sum::<u64>();
    Moved {
        done: (total(|copied| copied.sent_bytes), verb),
        reused: Some(format!("{} already there", human(total(|copied| copied.present_bytes)))),
        mounted: None,
        resumed: total(|copied| copied.resumed_bytes),
    }
}

/// A stream that counts what is read from it.
struct Counted<R> {
    stream: R,
    task: Box<dyn Task>,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.bytes += read as u64;
        self.task.advance(read as u64);
        Ok(read)
    }
}

/// Parses a registry, or a repository in a registry.
fn load_to(text: &str) -> Result<LoadTo> {
    if !text.contains('/') {
        // With any repository name behind it, the parser decides whether the text is a registry.
        let probe: Reference = parse(&format!("{text}/x"))?;
        if probe.is_local() {
            return Err(usage(format!("`{text}` is not a registry")));
        }
        return Ok(LoadTo::Registry(probe.registry));
    }
    let repository: Reference = parse(text)?;
    if repository.is_local() || repository.digest.is_some() {
        return Err(usage(format!("`{text}` is neither a registry nor a repository in a registry")));
    }
    Ok(LoadTo::Repository(repository))
}

/// Names a repository after the file, or `archive` if the file name is not a valid repository name.
fn named_after(path: &Path) -> Reference {
    let stem = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let named = stem.trim_end_matches(".tar").parse::<Reference>().or_else(|_| "archive".parse());
    named.expect("`archive` is a name").without_selector()
}
