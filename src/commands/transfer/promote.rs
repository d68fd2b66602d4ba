//! `kit promote`

use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use super::forms;
use crate::arguments::DigestReceiptArgs;
use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Moved, usage};
use kit_core::oci::Reference;
use kit_core::ops::{self, Copied, CopyOptions, Location, Lookup, Origins, Promoted, TagState};
use kit_core::progress::Phase;

/// Point a tag in a registry at a ModelKit, unless another client moved the tag
///
/// Blobs that the destination lacks are copied, or mounted if the registry supports that, and then the tag is moved.
/// The digest does not change. If another client moves the tag in the meantime, the command fails and leaves the tag
/// alone. Registries have no atomic compare-and-swap for tags: the tag is read right before it is written, and a
/// change between these two requests goes unnoticed. To move a tag in the local store, use `kit tag`.
///
/// Other forms of the ModelKit, which `kit push --also` tags beside it, follow it: NAME:TAG-image is promoted to
/// DESTINATION-image. Tags of that form with other layers are left alone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit promote registry.example/team/sentiment:v2 registry.example/team/sentiment:stable
  kit promote registry.example/team/sentiment:v2 production.example/sentiment:live --expect none
  kit promote registry.example/team/sentiment@sha256:… registry.example/production/sentiment:live --expect sha256:…")]
pub(crate) struct PromoteArgs {
    /// ModelKit in a registry or an OCI image layout (oci:FOLDER:TAG)
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Tag to move, in a registry
    #[arg(value_name = "DESTINATION")]
    destination: String,
    /// Digest the tag must currently point to, or `none` if it must not exist [default: its digest at the start]
    #[arg(long, value_name = "DIGEST")]
    expect: Option<String>,
    #[command(flatten)]
    receipt: DigestReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl PromoteArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        self.receipt.begin(context)?;
        let expected = self.expect.as_deref().map(parse).transpose()?;
        let source = context.location(&self.source)?;
        let destination = context.location(&self.destination)?;
        let Location::Artifact(target) = &destination else {
            return Err(usage(format!("`{destination}` is an image layout; use `kit copy` to write to it")));
        };
        if target.digest.is_some() {
            return Err(usage(format!("`{target}` contains a digest; the destination needs a tag")));
        }
        context.output.say(&format!("Promoting {source} to {destination}"));
        let Promoted { copied, before } = self
            .promote(context, &source, target, expected)
            .with_context(|| format!("cannot promote `{source}` to `{destination}`"))?;
        if !is_there(&copied, &before) {
            context.output.say(&format!("{} · the tag pointed to {before}", Moved::sent(&copied).in_words(start)));
        }
        Ok(())
    }

    fn promote(
        &self,
        context: &Context,
        source: &Location,
        destination: &Reference,
        expected: Option<TagState>,
    ) -> Result<Promoted> {
        let session = context.session(&self.network)?;
        let found = session.find(source, Lookup::Remote)?;
        let target = Location::Artifact(destination.clone());
        let options = CopyOptions {
            jobs: session.jobs(&[source, &target]),
            origins: Origins::beside(source, &target),
            phase: Phase::Copying,
        };
        let promoted = ops::promote(&session, &found, destination, expected, &options)?;
        let modelkit = &promoted.copied.manifest;
        let digest = modelkit.digest;
        let names = [destination.to_string()];
        let (action, line) = if is_there(&promoted.copied, &promoted.before) {
            ("unchanged", format!("{destination} already there: nothing to do ({digest})"))
        } else {
            ("promoted", format!("Promoted {digest}"))
        };
        context.receipt.made(&context.output, (action, digest), &names, line)?;
        context.receipt.copied(&promoted.copied);
        let before = if let TagState::At(before) = &promoted.before { Some(before.to_string()) } else { None };
        context.receipt.fact("previousDigest", before);
        let (target, tag) = session.target(&target)?;
        forms::copy(context, &found, (&*target, tag.as_deref()), modelkit, (&options, "Promoted"))?;
        Ok(promoted)
    }
}

/// Returns true if the tag already pointed to the ModelKit, and nothing was missing.
fn is_there(copied: &Copied, before: &TagState) -> bool {
    *before == TagState::At(copied.manifest.digest) && copied.sent_bytes + copied.mounted_bytes == 0
}
