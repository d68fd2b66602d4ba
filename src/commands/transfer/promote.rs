//! `kit promote`

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use super::also::AlsoArgs;
use super::checklist;
use super::unsigned::note_unsigned;
use crate::arguments::{DigestReceiptArgs, DryRunArgs, FormName, dry_run};
use crate::commands::trust::{CertificateArgs, TrustNetworkArgs, private_key};
use crate::config::now;
use crate::context::{Context, parse};
use crate::output::{Moved, usage};
use kit_core::oci::{Reference, Tag};
use kit_core::ops::{
    self, Addition, CopyOptions, Location, Lookup, Origins, PromoteOptions, Promoted, Promotion, RecordKey, Recorder,
    Session, TagMove, TagState,
};
use kit_core::progress::Phase;

/// Point a tag in a registry at a ModelKit, unless another client moved the tag
///
/// Blobs that the destination lacks are copied, or mounted if the registry supports that, and then the tag is moved.
/// The digest does not change. If another client moves the tag in the meantime, the command fails and leaves the tag
/// alone. Registries have no atomic compare-and-swap for tags: the tag is read right before it is written, and a
/// change between these two requests goes unnoticed. To move a tag in the local store, use `kit tag`.
///
/// Other forms of the ModelKit, which `kit push --also` tags beside it, follow it: NAME:TAG-image is promoted to
/// DESTINATION-image. --also adds forms that the source does not have. If DESTINATION-image belongs to another version,
/// it is not moved.
///
/// Each moved tag is recorded in a referrer of the ModelKit at the destination: source, destination, time, CI run, and
/// the digest that the tag pointed to before. `kit log --remote` shows these records, and --rollback moves the tag back
/// to the digest in the latest one. --key signs the records, with the policies that were asked; without it, they prove
/// nothing.
///
/// If a policy has a rule for the destination, its requirements are listed first: what is there, what is missing, and
/// whom to ask for the approvals that are missing. --dry-run shows the list as well.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit promote registry.example/team/sentiment:v2 registry.example/team/sentiment:stable
  kit promote registry.example/team/sentiment:v2 production.example/sentiment:live --expect none
  kit promote registry.example/team/sentiment:v2 production.example/sentiment:live --also image --dry-run
  kit promote registry.example/team/sentiment@sha256:… registry.example/production/sentiment:live --expect sha256:…
  kit promote registry.example/team/sentiment:v2 registry.example/production/sentiment:live --key release.key
  kit promote --rollback registry.example/production/sentiment:live")]
pub(crate) struct PromoteArgs {
    /// ModelKit in a registry or an OCI image layout (oci:FOLDER:TAG)
    #[arg(value_name = "SOURCE", required_unless_present = "rollback")]
    source: Option<String>,
    /// Tag to move, in a registry
    #[arg(value_name = "DESTINATION", required_unless_present = "rollback")]
    destination: Option<String>,
    /// Move this tag back to the digest that it pointed to before its latest promotion
    #[arg(long, value_name = "DESTINATION", conflicts_with_all = ["source", "destination", "also"])]
    rollback: Option<String>,
    /// Digest the tag must currently point to, or `none` if it must not exist [default: its digest at the start]
    #[arg(long, value_name = "DIGEST")]
    expect: Option<String>,
    /// Private key that signs the records: a file, or `env://NAME` for a variable that contains it; COSIGN_PASSWORD is
    /// its password [default: records are not signed]
    #[arg(id = "signing_key", long = "key", value_name = "FILE")]
    key: Option<String>,
    #[command(flatten)]
    certificates: CertificateArgs,
    #[command(flatten)]
    also: AlsoArgs,
    #[command(flatten)]
    dry_run: DryRunArgs,
    #[command(flatten)]
    receipt: DigestReceiptArgs,
    #[command(flatten)]
    network: TrustNetworkArgs,
}

impl PromoteArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        self.receipt.begin(context)?;
        let expected = self.expect.as_deref().map(parse).transpose()?;
        let session = context.session(&self.network)?;
        if let Some(target) = &self.rollback {
            let target = tag_in_registry(context, target)?;
            return self
                .roll_back(context, (&session, start), &target, expected)
                .with_context(|| format!("cannot roll back `{target}`"));
        }
        let (Some(source), Some(destination)) = (&self.source, &self.destination) else {
            return Err(usage("a source and a destination are required"));
        };
        let (source, target) = (context.location(source)?, tag_in_registry(context, destination)?);
        self.promote(context, (&session, start), (&source, &target), expected)
            .with_context(|| format!("cannot promote `{source}` to `{target}`"))
    }

    fn promote(
        &self,
        context: &Context,
        (session, start): (&Session<'_>, Instant),
        (source, destination): (&Location, &Reference),
        expected: Option<TagState>,
    ) -> Result<()> {
        let found = session.find(source, Lookup::Remote)?;
        let options = self.options(context, session, (source, destination), expected)?;
        let promotion = ops::prepare_promotion(session, found, source, destination, options)?;
        checklist::show(context, &promotion.checklist);
        promotion.checklist.admit()?;
        let exists = |suffix: &str| promotion.forms.iter().any(|(form, _)| form.suffix == suffix);
        let tag_of = |form: FormName| tag_of(form, destination);
        let additions = self.also.additions(context, (session, &promotion.found), exists, tag_of)?;
        if self.dry_run.dry_run {
            return show(context, &promotion, &additions);
        }
        if promotion.main.changes() {
            context.output.say(&format!("Promoting {source} to {destination}"));
        }
        let added: Vec<_> = additions.iter().map(|addition| format!("{destination}{}", addition.suffix)).collect();
        let is_signed = !added.is_empty() && ops::is_signed(&promotion.found)?;
        report(context, &promotion, &promotion.run(additions)?, &PROMOTED, start)?;
        if is_signed {
            note_unsigned(context, &destination.to_string(), &added);
        }
        Ok(())
    }

    fn roll_back(
        &self,
        context: &Context,
        (session, start): (&Session<'_>, Instant),
        target: &Reference,
        expected: Option<TagState>,
    ) -> Result<()> {
        let options = self.options(context, session, (&Location::Artifact(target.clone()), target), expected)?;
        let promotion = ops::prepare_rollback(session, target, options)?;
        checklist::show(context, &promotion.checklist);
        promotion.checklist.admit()?;
        let digest = promotion.main.manifest.digest;
        if let Some(time) = promotion.undone {
            context.output.warn(&format!("{target} moves to {digest}, which undoes the rollback of {time:.0}"));
        }
        if self.dry_run.dry_run {
            return show(context, &promotion, &[]);
        }
        context.output.say(&format!("Rolling back {target} to {digest}"));
        report(context, &promotion, &promotion.run(Vec::new())?, &ROLLED_BACK, start)
    }

    fn options(
        &self,
        context: &Context,
        session: &Session<'_>,
        (source, destination): (&Location, &Reference),
        expected: Option<TagState>,
    ) -> Result<PromoteOptions> {
        let target = Location::Artifact(destination.clone());
        let copying = CopyOptions {
            jobs: session.jobs(&[source, &target]),
            origins: Origins::beside(source, &target),
            phase: Phase::Copying,
        };
        // Read before anything is moved.
        let key = match &self.key {
            Some(file) if !self.dry_run.dry_run => {
                let key = private_key(context, file)?;
                let certificates = self.certificates.chain(context, key.public_key())?;
                Some(Arc::new(RecordKey { key, certificates }))
            }
            _ => None,
        };
        let recorder = Recorder { promoter: context.environment.builder.clone(), clock: now, key };
        Ok(PromoteOptions { copying, expected, recorder })
    }
}

/// Parses the name of a tag to move.
fn tag_in_registry(context: &Context, text: &str) -> Result<Reference> {
    // Without this check, a forgotten tag would move `latest`.
    if let Some(bare) = text.parse::<Reference>().ok().filter(|target| target.selector().is_none()) {
        return Err(usage(format!("the destination needs a tag: {bare}:<tag>")));
    }
    match context.location(text)? {
        Location::Artifact(target) if target.digest.is_some() => {
            Err(usage(format!("`{target}` contains a digest; the destination needs a tag")))
        }
        Location::Artifact(target) => Ok(target),
        layout @ Location::Layout { .. } => {
            Err(usage(format!("`{layout}` is an image layout; use `kit copy` to write to it")))
        }
    }
}

/// The tag of the `form` beside `destination`.
fn tag_of(form: FormName, destination: &Reference) -> Result<String> {
    let tag = destination.tag.as_ref().map(ToString::to_string).unwrap_or_default() + form.suffix();
    if Tag::new(&tag).is_none() {
        return Err(usage(format!("`{tag}` would be too long for a tag")));
    }
    Ok(tag)
}

/// The words for a kind of move.
struct Words {
    /// The action in a document.
    action: &'static str,
    /// The beginning of a line about a digest.
    done: &'static str,
}

const PROMOTED: Words = Words { action: "promoted", done: "Promoted" };
const ROLLED_BACK: Words = Words { action: "rolledBack", done: "Rolled back to" };
/// The action for a tag that already points to the digest.
const UNCHANGED: &str = "unchanged";

fn report(
    context: &Context,
    promotion: &Promotion<'_>,
    promoted: &Promoted,
    words: &Words,
    start: Instant,
) -> Result<()> {
    let (receipt, output) = (&context.receipt, &context.output);
    let TagMove { tag, manifest, before } = &promotion.main;
    let (digest, names) = (manifest.digest, [tag.clone()]);
    if let Some(copied) = &promoted.copied {
        receipt.made(output, (words.action, digest), &names, format!("{} {digest}", words.done))?;
        receipt.copied(copied);
    } else {
        let line = format!("{tag} already there: nothing to do ({digest})");
        receipt.made(output, (UNCHANGED, digest), &names, line)?;
    }
    receipt.fact("previousDigest", previous(*before));
    for form in &promoted.forms {
        let (digest, tag) = (form.manifest.digest, form.tag.rsplit(':').next().unwrap_or_default());
        let action = if form.changes() { words.action } else { UNCHANGED };
        receipt.note(action, digest, std::slice::from_ref(&form.tag));
        if form.changes() {
            receipt.line(output, format!("{} {digest} {tag}", words.done))?;
        }
    }
    if let Some(copied) = &promoted.copied {
        output.say(&format!("{} · the tag pointed to {before}", Moved::sent(copied).in_words(start)));
    }
    Ok(())
}

/// Shows what a promotion would change.
fn show(context: &Context, promotion: &Promotion<'_>, additions: &[Addition]) -> Result<()> {
    dry_run::show(context, &promotion.plan()?)?;
    context.receipt.fact("previousDigest", previous(promotion.main.before));
    dry_run::show_move(context, &promotion.main)?;
    for (_, form) in &promotion.forms {
        dry_run::show_move(context, form)?;
    }
    for Addition { suffix, documents, .. } in additions {
        dry_run::show_move(context, &promotion.addition(suffix, documents)?)?;
    }
    let added: Vec<_> = additions.iter().map(|addition| addition.suffix).collect();
    Ok(promotion.warn_of_stale_forms(&added)?)
}

fn previous(state: TagState) -> Option<String> {
    if let TagState::At(digest) = state { Some(digest.to_string()) } else { None }
}
