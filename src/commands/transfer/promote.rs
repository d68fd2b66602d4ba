//! `kit promote`

use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Moved, usage};
use kit_core::oci::Reference;
use kit_core::ops::{self, CopyOptions, Location, Lookup, Origins, Promoted, Session, TagState};
use kit_core::progress::Phase;

/// Move a tag in a registry to a ModelKit of another tag, repository or registry
///
/// What the destination lacks is copied, or mounted where the registry does that, and then the tag is moved; the digest stays the
/// same. A tag that somebody else moves in the meantime is left alone. Registries cannot compare and exchange a tag at once: it is
/// looked at right before it is moved, and who moves it between these two requests is not noticed. Tags of the local store
/// are moved with `kit tag`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit promote registry.example/team/sentiment:v2 registry.example/team/sentiment:stable
  kit promote registry.example/team/sentiment:v2 production.example/sentiment:live --expect none
  kit promote registry.example/team/sentiment@sha256:… registry.example/production/sentiment:live --expect sha256:…")]
pub(crate) struct PromoteArgs {
    /// The ModelKit, in a registry or an image layout (oci:FOLDER:TAG)
    #[arg(value_name = "SOURCE")]
    source: String,
    /// The tag to move, in a registry
    #[arg(value_name = "DESTINATION")]
    destination: String,
    /// What the tag must point to now, or `none` if it must not exist [default: what it points to at the start]
    #[arg(long, value_name = "DIGEST")]
    expect: Option<String>,
    #[command(flatten)]
    network: NetworkArgs,
}

impl PromoteArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        let expected = self.expect.as_deref().map(parse).transpose()?;
        let source = context.location(&self.source)?;
        let destination = context.location(&self.destination)?;
        let Location::Artifact(target) = &destination else {
            return Err(usage(format!("`{destination}` is an image layout; `kit copy` writes to those")));
        };
        if target.digest.is_some() {
            return Err(usage(format!("`{target}` names a digest; what moves is a tag")));
        }
        context.output.say(&format!("Promoting {source} to {destination}"));
        let Promoted { copied, before } = self
            .promote(context, &source, target, expected)
            .with_context(|| format!("cannot promote `{source}` to `{destination}`"))?;
        context.output.result(format!("Promoted {}", copied.manifest.digest))?;
        context.output.say(&format!("{} · the tag pointed to {before}", Moved::sent(&copied).in_words(start)));
        Ok(())
    }

    fn promote(
        &self,
        context: &Context,
        source: &Location,
        destination: &Reference,
        expected: Option<TagState>,
    ) -> Result<Promoted> {
        let (store, client) = (context.store()?, self.network.client(&context.environment)?);
        let session = Session { store: &store, client: &client };
        let found = session.find(source, Lookup::Remote)?;
        let target = Location::Artifact(destination.clone());
        let options = CopyOptions {
            jobs: session.jobs(&[source, &target]),
            origins: Origins::beside(source, &target),
            phase: Phase::Copying,
        };
        Ok(ops::promote(&session, &found, destination, expected, &options, &context.bars)?)
    }
}
