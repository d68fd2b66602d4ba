//! `kit push`

use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::arguments::{AllowSecretsArgs, CompatArgs, DryRunArgs, FormName, dry_run};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Moved, usage};
use kit_core::digest::Digest;
use kit_core::modelkit::{Documents, Platform};
use kit_core::oci::{Reference, Tag};
use kit_core::ops::{self, CopyOptions, Located, Location, Lookup, Origins, Session};
use kit_core::progress::Phase;

/// Upload a ModelKit to a registry
///
/// Blobs that the registry already has are not uploaded. The tag appears in the registry only when the upload is
/// complete.
///
/// With --also, additional manifests are pushed that refer to the same layers, so nothing is stored twice: a CNCF
/// ModelPack, or an image that Kubernetes mounts as a volume and that podman and umoci unpack. Their tags are the tag
/// of the ModelKit with -modelpack or -image appended.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit push registry.example/team/sentiment:v2
  kit push sentiment:v2 registry.example/team/sentiment:v2
  kit push sentiment:v2 localhost:5000/sentiment:v2 --plain-http
  kit push sentiment:v2 oci:/mnt/usb/sentiment:v2
  kit push registry.example/team/sentiment:v2 --also modelpack,image")]
pub(crate) struct PushArgs {
    /// Additional manifests for other tools: modelpack, image, modelkit
    #[arg(long, value_name = "FORM[,FORM]", value_delimiter = ',')]
    also: Vec<FormName>,
    /// Platform recorded in the image config; container runtimes require one [default: linux on this machine's
    /// architecture]
    #[arg(long, value_name = "OS/ARCHITECTURE", requires = "also")]
    platform: Option<Platform>,
    #[command(flatten)]
    compat: CompatArgs,
    #[command(flatten)]
    send: SendArgs,
}

/// The source of an upload, and its name at the destination.
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// ModelKit or index in the local store or an OCI image layout (oci:FOLDER:TAG)
    #[arg(value_name = "NAME:TAG")]
    source: String,
    /// Name in the registry, or an OCI image layout (oci:FOLDER:TAG) [default: the same name]
    #[arg(value_name = "DESTINATION")]
    destination: Option<String>,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    secrets: AllowSecretsArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

/// Manifests and configs to push in addition to the ModelKit, with their tags.
type Lists = Vec<(String, Documents)>;

impl SendArgs {
    /// Uploads the source, and the additional manifests that `lists` builds from it for the destination.
    pub(crate) fn run(
        &self,
        context: &Context,
        lists: impl FnOnce(&Located, &Location) -> Result<Lists>,
    ) -> Result<()> {
        let start = Instant::now();
        let source = context.location(&self.source)?;
        let destination = match &self.destination {
            Some(text) => context.location(text)?,
            None => source.clone(),
        };
        let session = context.session(&self.network)?;
        let failure = || failure(&source, &destination);
        let found = session.find(&source, Lookup::Local).with_context(failure)?;
        self.secrets.check(&session, &found).with_context(failure)?;
        // A form that the ModelKit cannot have is an error before anything is uploaded.
        let lists = lists(&found, &destination).with_context(failure)?;
        if self.dry_run.dry_run {
            show_plan(context, &session, &found, &destination).with_context(failure)?;
            return lists.iter().try_for_each(|(tag, list)| {
                Ok(context.output.result(format!("add   {:>14} {} {tag}", list.manifest.size, list.manifest.digest))?)
            });
        }
        context.output.say(&announcement(&source, &destination));
        let (target, tag) = session.target_for(&found, &destination).with_context(failure)?;
        let options = options(&session, &destination)?;
        let copied = ops::copy((&*found.source, &found.name), (&*target, tag.as_deref()), &options, &context.bars)
            .with_context(failure)?;
        context.output.result(format!("Pushed {}", copied.manifest.digest))?;
        for (tag, list) in lists {
            ops::publish(&list, &*target, &tag).with_context(|| format!("cannot add `{tag}` to `{destination}`"))?;
            context.output.result(format!("Pushed {} {tag}", list.manifest.digest))?;
        }
        context.output.say(&Moved::sent(&copied).in_words(start));
        Ok(())
    }
}

impl PushArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.send.run(context, |found, destination| self.lists(context, found, destination))
    }

    /// The manifests that --also asks for, with their tags.
    fn lists(&self, context: &Context, found: &Located, destination: &Location) -> Result<Lists> {
        if self.compat.is_given() && !self.also.contains(&FormName::Modelpack) {
            return Err(usage("--compat requires `--also modelpack`"));
        }
        let platform = self.platform.clone().unwrap_or_else(Platform::host);
        let list = |name: &FormName| {
            let tag = tag_of(*name, destination)?;
            let list = ops::list_as(found, &name.form(self.compat, &platform), ops::jobs(), &context.bars);
            Ok((tag.clone(), list.with_context(|| format!("cannot make `{tag}`"))?))
        };
        self.also.iter().map(list).collect()
    }
}

fn show_plan(context: &Context, session: &Session<'_>, found: &Located, destination: &Location) -> Result<()> {
    let options = options(session, destination)?;
    let plan = ops::plan(&*found.source, &found.name, &session.look(destination)?, &options)?;
    dry_run::show(&context.output, &plan)
}

fn options(session: &Session<'_>, destination: &Location) -> Result<CopyOptions, ops::Error> {
    Ok(CopyOptions {
        jobs: session.jobs(&[destination]),
        origins: Origins::known_to(&session.store, destination)?,
        phase: Phase::Uploading,
    })
}

/// The tag of the `form`, derived from the tag of `destination`.
fn tag_of(form: FormName, destination: &Location) -> Result<String> {
    let tag = match destination {
        Location::Artifact(Reference { tag: Some(tag), .. }) => tag.to_string(),
        Location::Layout { selector: Some(name), .. } if name.parse::<Digest>().is_err() => name.clone(),
        _ => return Err(usage("--also derives tags from the tag of the destination, so the destination needs a tag")),
    };
    let tag = format!("{tag}{}", form.suffix());
    // In a layout of several repositories, a name is a whole reference.
    let is_name = matches!(destination, Location::Layout { .. }) && tag.parse::<Reference>().is_ok();
    if Tag::new(&tag).is_none() && !is_name {
        return Err(usage(format!("`{tag}` would be too long for a tag")));
    }
    Ok(tag)
}

/// The error text; it begins with the words of `KitOps`, which scripts match.
fn failure(source: &Location, destination: &Location) -> String {
    if source == destination {
        format!("Failed to push `{source}`")
    } else {
        format!("Failed to push `{source}` to `{destination}`")
    }
}

fn announcement(source: &Location, destination: &Location) -> String {
    if source == destination { format!("Pushing {source}") } else { format!("Pushing {source} to {destination}") }
}
