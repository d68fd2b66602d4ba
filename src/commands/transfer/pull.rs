//! `kit pull`

use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::arguments::{DigestReceiptArgs, DryRunArgs, LabelArgs, dry_run};
use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Moved, and_taken, usage};
use kit_core::digest::Digest;
use kit_core::oci::{Reference, Tag};
use kit_core::ops::{self, CopyOptions, Fetch, Location, Origins, Plan, Wanted};
use kit_core::progress::{Phase, human};

/// Download a ModelKit from a registry into the local store
///
/// All content is verified during the download. Data that an older local version of the same repository contains is
/// reused, and only the rest is downloaded, if that is faster. An interrupted pull resumes when it is run again.
/// ModelKits that the model refers to are pulled as well, each into its own repository.
///
/// Use --label to select a ModelKit from an index; it is stored under the name of the index. `kit index pull
/// --with-modelkits` downloads all ModelKits of an index.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit pull registry.example/team/sentiment:v2
  kit pull localhost:5000/sentiment:v2 --plain-http
  kit pull registry.example/team/sentiment:all -l quantization=Q4_K
  kit pull oci:/mnt/usb/sentiment:v2 sentiment:v2")]
pub(crate) struct PullArgs {
    #[command(flatten)]
    labels: LabelArgs,
    #[command(flatten)]
    fetch: FetchArgs,
}

impl PullArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.fetch.run(context, Wanted::ModelKit(self.labels.labels()?))
    }
}

/// The source of a download, and the local name.
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// ModelKit or index in a registry or an OCI image layout (oci:FOLDER:TAG)
    #[arg(value_name = "NAME:TAG")]
    source: String,
    /// Name in the local store [default: the same name; for an image layout, the name of its folder]
    #[arg(value_name = "LOCAL-NAME")]
    name: Option<String>,
    /// Download whole layers, even if an older version contains parts of them
    #[arg(long)]
    no_delta: bool,
    #[command(flatten)]
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    pub(crate) receipt: DigestReceiptArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

impl FetchArgs {
    pub(crate) fn run(&self, context: &Context, wanted: Wanted<'_>) -> Result<()> {
        let start = Instant::now();
        self.receipt.begin(context)?;
        let (source, name) = self.places(context)?;
        let session = context.session(&self.network)?;
        let failure = || format!("Failed to pull `{source}`");
        let options =
            CopyOptions { jobs: session.jobs(&[&source]), origins: Origins::default(), phase: Phase::Downloading };
        if self.dry_run.dry_run {
            let plans = ops::plan_pull(&session, (&source, wanted), &options).with_context(failure)?;
            return show_plans(context, &plans);
        }
        context.output.say(&format!("Pulling {source}"));
        let fetch = if self.no_delta { Fetch::Everything } else { Fetch::Changes };
        let copied = ops::pull(&session, (&source, wanted), &name, fetch, &options);
        let copied = copied.with_context(failure)?;
        let digest = copied.manifest.digest;
        context.receipt.made(&context.output, ("pulled", digest), &[name.to_string()], format!("Pulled {digest}"))?;
        context.receipt.copied(&copied);
        let moved = Moved {
            done: (copied.sent_bytes, "fetched"),
            reused: Some(format!("{} already there{}", human(copied.present_bytes), and_taken(&copied.taken))),
            mounted: None,
            resumed: copied.resumed_bytes,
        };
        context.output.say(&format!("{} · {name}", moved.in_words(start)));
        Ok(())
    }

    /// The source, and the name in the local store.
    pub(crate) fn places(&self, context: &Context) -> Result<(Location, Reference)> {
        let source = context.location(&self.source)?;
        let name = self.local_name(&source)?;
        Ok((source, name))
    }

    fn local_name(&self, source: &Location) -> Result<Reference> {
        match (&self.name, source) {
            (Some(name), _) => {
                let name: Reference = parse(name)?;
                let tag = name.tag.clone().unwrap_or_else(Tag::latest);
                Ok(name.with_tag(tag))
            }
            (None, Location::Artifact(reference)) => Ok(reference.clone()),
            (None, Location::Layout { path, selector }) => {
                let folder = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
                let selector = selector.as_deref().unwrap_or("latest");
                let name = match selector.parse::<Digest>() {
                    Ok(digest) => format!("{folder}@{digest}"),
                    Err(_) if Tag::new(selector).is_some() => format!("{folder}:{selector}"),
                    // In a layout of several repositories, the selector is a whole reference.
                    Err(_) => return parse(selector),
                };
                name.parse().map_err(|_| {
                    usage(format!(
                        "the folder name `{folder}` is not a valid repository name; pass a name as the second argument"
                    ))
                })
            }
        }
    }
}

fn show_plans(context: &Context, plans: &[(String, Plan)]) -> Result<()> {
    for (name, plan) in plans {
        context.output.say(name);
        dry_run::show(context, plan)?;
    }
    Ok(())
}
