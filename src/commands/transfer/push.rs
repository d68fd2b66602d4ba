//! `kit push`

use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use super::also::AlsoArgs;
use super::unsigned::note_unsigned;
use crate::arguments::{AllowSecretsArgs, DigestReceiptArgs, DryRunArgs, FormName, dry_run};
use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Moved, usage};
use kit_core::digest::Digest;
use kit_core::oci::{Reference, Tag};
use kit_core::ops::{self, Addition, CopyOptions, Located, Location, Lookup, Origins, PushedTag, Session, TagState};
use kit_core::progress::Phase;

/// Upload a ModelKit to a registry
///
/// Blobs that the registry already has are not uploaded. The tag appears in the registry only when the upload is
/// complete. If it pointed to another ModelKit before, that is reported, and so are tags of other forms beside it that
/// still belong to that ModelKit; --expect refuses to move a tag.
///
/// With --also, additional manifests are pushed that refer to the same layers, so nothing is stored twice: a CNCF
/// ModelPack, or an image that Kubernetes and KServe mount as a volume and that podman and umoci unpack. Their tags
/// are the tag of the ModelKit with -modelpack or -image appended.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit push registry.example/team/sentiment:v2
  kit push sentiment:v2 registry.example/team/sentiment:v2
  kit push sentiment:v2 localhost:5000/sentiment:v2 --plain-http
  kit push sentiment:v2 registry.example/team/sentiment:v2 --expect none
  kit push sentiment:v2 oci:/mnt/usb/sentiment:v2
  kit push registry.example/team/sentiment:v2 --also modelpack,image")]
pub(crate) struct PushArgs {
    #[command(flatten)]
    also: AlsoArgs,
    #[command(flatten)]
    send: SendArgs,
    /// Digest the tag at the destination must currently point to, or `none` if it must not exist; if another client
    /// moved the tag, nothing is pushed
    #[arg(long, value_name = "DIGEST")]
    expect: Option<String>,
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
    pub(crate) dry_run: DryRunArgs,
    #[command(flatten)]
    secrets: AllowSecretsArgs,
    #[command(flatten)]
    pub(crate) receipt: DigestReceiptArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

/// The artifact to upload. An index and a ModelKit may have the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The ModelKit; if there is none, the index with all its ModelKits.
    Artifact,
    /// The index with all its ModelKits.
    WholeIndex,
}

impl SendArgs {
    /// Uploads the source, and the additional forms that `also` makes of it for the destination.
    pub(crate) fn run(
        &self,
        context: &Context,
        sent: Sent,
        expected: Option<TagState>,
        also: impl FnOnce(&Session<'_>, &Located, &Location) -> Result<Vec<Addition>>,
    ) -> Result<()> {
        let start = Instant::now();
        self.receipt.begin(context)?;
        let (source, destination) = self.places(context)?;
        if expected.is_some() && !names_tag_in_registry(&destination) {
            return Err(usage("--expect requires a tag in a registry as the destination"));
        }
        let session = context.session(&self.network)?;
        let failure = || failure(&source, &destination);
        let found = match sent {
            Sent::Artifact => session.find(&source, Lookup::Local),
            Sent::WholeIndex => session.find_index(&source, Lookup::Local),
        };
        let found = found.with_context(failure)?;
        let pushed: Vec<_> = PushedTag::of(&session, &destination).into_iter().collect();
        expect(pushed.first(), expected).with_context(failure)?;
        self.secrets.check(&session, &found).with_context(failure)?;
        // A form that the ModelKit cannot have is an error before anything is uploaded.
        let also = also(&session, &found, &destination).with_context(failure)?;
        if self.dry_run.dry_run {
            show_plan(context, &session, &found, &destination).with_context(failure)?;
            return also.iter().try_for_each(|Addition { suffix, documents, .. }| {
                dry_run::show_addition(context, &documents.manifest, &tag_with(suffix, &destination)?)
            });
        }
        context.output.say(&announcement(&source, &destination));
        let (target, tag) = session.target_for(&found, &destination).with_context(failure)?;
        let options = options(&session, &destination)?;
        let (from, to) = ((&*found.source, found.name.as_str()), (&*target, tag.as_deref()));
        let carry = ops::Carry::required_if(ops::requires_attached(&session, &destination)?);
        let refuse = || expect(pushed.first(), expected);
        let copy = || ops::copy_unless(from, to, (&options, carry), refuse, &context.bars);
        let copied = PushedTag::read_while(&pushed, copy).with_context(failure)?;
        let digest = copied.manifest.digest;
        let names = [destination.to_string()];
        context.receipt.made(&context.output, ("pushed", digest), &names, format!("Pushed {digest}"))?;
        context.receipt.copied(&copied);
        let is_signed = !also.is_empty() && ops::is_signed(&found).with_context(failure)?;
        let mut added = Vec::new();
        for Addition { suffix, documents, base } in also {
            let tag = tag_with(suffix, &destination)?;
            let failure = || format!("cannot add `{tag}` to `{destination}`");
            if let Some(base) = base {
                base.send(&*target, &options, &context.bars).with_context(failure)?;
            }
            ops::publish(&documents, &*target, &tag).with_context(failure)?;
            let digest = documents.manifest.digest;
            context.receipt.note("pushed", digest, &[destination.name_of(&tag)]);
            added.push(destination.name_of(&tag));
            context.receipt.line(&context.output, format!("Pushed {digest} {tag}"))?;
        }
        for tag in &pushed {
            tag.report(&copied.manifest);
        }
        context.output.say(&Moved::sent(&copied).in_words(start));
        if is_signed {
            note_unsigned(context, &destination.to_string(), &added);
        }
        Ok(())
    }

    /// The source and the destination, by default of the same name.
    pub(crate) fn places(&self, context: &Context) -> Result<(Location, Location)> {
        let source = context.location(&self.source)?;
        let destination = match &self.destination {
            Some(text) => context.location(text)?,
            None => source.clone(),
        };
        Ok((source, destination))
    }
}

impl PushArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let expected = self.expect.as_deref().map(parse).transpose()?;
        self.send.run(context, Sent::Artifact, expected, |session, found, destination| {
            self.also.additions(context, (session, found), |_| false, |form| tag_of(form, destination))
        })
    }
}

/// Returns true if `destination` is a tag in a registry.
fn names_tag_in_registry(destination: &Location) -> bool {
    matches!(destination, Location::Artifact(reference) if !reference.is_local() && reference.tag.is_some())
}

/// Fails if the tag at the destination does not have the `expected` state.
fn expect(pushed: Option<&PushedTag<'_>>, expected: Option<TagState>) -> Result<(), ops::Error> {
    match (pushed, expected) {
        (Some(pushed), Some(expected)) => pushed.expect(expected),
        _ => Ok(()),
    }
}

fn show_plan(context: &Context, session: &Session<'_>, found: &Located, destination: &Location) -> Result<()> {
    let options = options(session, destination)?;
    let plan = ops::plan(&*found.source, &found.name, &session.look(destination)?, &options)?;
    dry_run::show(context, &plan)
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
    tag_with(form.suffix(), destination)
}

fn tag_with(suffix: &str, destination: &Location) -> Result<String> {
    let tag = match destination {
        Location::Artifact(Reference { tag: Some(tag), .. }) => tag.to_string(),
        Location::Layout { selector: Some(name), .. } if name.parse::<Digest>().is_err() => name.clone(),
        _ => return Err(usage("--also derives tags from the tag of the destination, so the destination needs a tag")),
    };
    let tag = format!("{tag}{suffix}");
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
