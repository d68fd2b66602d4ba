//! `kit remove`

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::arguments::ReceiptArgs;
use crate::commands::registries::prompt;
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Usage, counted, usage};
use kit_core::digest::Digest;
use kit_core::oci::{Reference, Tag};
use kit_core::ops::{self, AttachedManifest, Removable, Removal, Removed, Untagged};
use kit_core::progress::human;
use kit_core::registry::{Client, Repository};
use kit_core::store::Collected;

/// Remove ModelKits from the local store or a registry
///
/// Removes the given tags. A ModelKit is removed with its last tag, and content that is no longer referenced is deleted
/// from disk. If a ModelKit and an index have the same name, the ModelKit is removed; `kit index delete` removes the
/// index. In the local store, the first digits of a digest (at least 7) are enough if no other digest begins with them.
///
/// In a registry, only the tag is removed, unless the registry cannot do that: the ModelKit then goes with its last
/// tag. To remove the ModelKit itself, give its digest or --force. If it has other tags, which go with it, name them
/// too or add --all-tags. What is attached to the ModelKit, such as signatures, stays in the registry unless --attached
/// is given; in the local store it goes with the ModelKit.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(
    visible_alias = "rm",
    after_help = "\
Examples:
  kit remove sentiment:v1
  kit remove sentiment:v1,v2 other:v1
  kit remove 8f4a1c02b7d3
  kit remove --all                 (all untagged ModelKits, as `kit prune`)
  kit remove --all --force         (all ModelKits)
  kit remove --all --force --dry-run
  kit remove --remote registry.example/team/sentiment:v1
  kit remove --remote --force --all-tags registry.example/team/sentiment:v1
  kit remove --remote --force --attached registry.example/team/sentiment:v1"
)]
pub(crate) struct RemoveArgs {
    /// ModelKits to remove, by name or by digest; add more tags after commas
    #[arg(value_name = "NAME:TAG[,TAG]", required_unless_present = "all", conflicts_with = "all")]
    references: Vec<String>,
    /// Remove all tags of the ModelKit in its repository; with --all, remove everything
    #[arg(short, long)]
    force: bool,
    /// Remove all untagged ModelKits
    #[arg(short, long)]
    all: bool,
    /// Remove from the registry: the tag; with --force or by digest, the ModelKit
    #[arg(short, long)]
    remote: bool,
    /// Remove a ModelKit from the registry even if it has tags that are not named; needs --remote
    #[arg(long)]
    all_tags: bool,
    /// Remove what is attached to the ModelKit in the registry, too: signatures, attestations and other referrers
    #[arg(long)]
    attached: bool,
    /// Show what would be removed, without removing anything
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before everything is removed; only a terminal is asked
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl RemoveArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        if self.all_tags && !self.remote {
            return Err(usage("--all-tags requires --remote; in the local store, --force removes all tags"));
        }
        if self.attached && !self.remote {
            return Err(usage("--attached requires --remote; in the local store, what is attached is always removed"));
        }
        match (self.all, self.remote) {
            (true, true) => Err(usage("cannot use --all with --remote")),
            (true, false) if self.force => {
                confirm(context, self.yes || self.dry_run, "Remove all ModelKits and indexes from the local store?")?;
                self.remove(context, &[Removal::Everything])
            }
            (true, false) => self.remove(context, &[Removal::Unnamed]),
            (false, true) => self.remove_remotely(context),
            (false, false) => self.remove_locally(context),
        }
    }

    /// Removes from the local store. All arguments are parsed before the first ModelKit is removed.
    fn remove_locally(&self, context: &Context) -> Result<()> {
        let mut removals = Vec::new();
        for text in &self.references {
            if let Some(prefix) = digits(text) {
                removals.push(self.by_prefix(context, text, prefix)?);
            } else {
                let removal = if self.force { Removal::WithAllNames } else { Removal::Name };
                removals.extend(parse(text)?.into_iter().map(removal));
            }
        }
        self.remove(context, &removals)
    }

    fn remove(&self, context: &Context, removals: &[Removal]) -> Result<()> {
        if self.dry_run {
            let removed = ops::removable(&context.store()?, Removable::ModelKits, removals);
            context.receipt.fact("dryRun", true);
            return print_removed(context, &removed.context("Failed to remove ModelKits")?, Tense::Conditional);
        }
        removals.iter().try_for_each(|removal| remove(context, removal))
    }

    /// The removal of the one ModelKit whose digest begins with `prefix`.
    fn by_prefix(&self, context: &Context, text: &str, prefix: &str) -> Result<Removal> {
        let mut found = ops::find_by_prefix(&context.store()?, prefix)?;
        match (found.len(), found.pop()) {
            (1, Some((digest, names))) => {
                let is_in_one = names.windows(2).all(|two| two[0].full_repository() == two[1].full_repository());
                if is_in_one || self.force {
                    return Ok(Removal::Digest(digest));
                }
                let names: Vec<_> = names.iter().map(ToString::to_string).collect();
                bail!(
                    "`{text}` has names in several repositories: {}; remove them by name, or add --force",
                    names.join(", ")
                )
            }
            (0, _) => bail!("no digest in the local store begins with `{text}`"),
            (count, _) => bail!("{count} digests in the local store begin with `{text}`; give more digits"),
        }
    }

    fn remove_remotely(&self, context: &Context) -> Result<()> {
        let lists = self.references.iter().map(|text| parse(text)).collect::<Result<Vec<_>>>()?;
        let references = lists.concat();
        if let Some(local) = references.iter().find(|reference| reference.is_local()) {
            return Err(ops::Error::NoRegistry(local.clone()).into());
        }
        let client = self.network.client(&context.environment, context.bars.notifier())?;
        let mut removal = RemoteRemoval {
            context,
            client,
            named: &references,
            gone: Vec::new(),
            all_tags: self.all_tags,
            attached: self.attached,
            dry_run: self.dry_run,
        };
        if self.dry_run {
            context.receipt.fact("dryRun", true);
        }
        for reference in &references {
            let failed = || format!("Failed to remove `{reference}` from the registry");
            if reference.digest.is_none() && !self.force {
                removal.untag(reference).with_context(failed)?;
            } else {
                removal.remove(reference).with_context(failed)?;
            }
        }
        Ok(())
    }
}

/// Parses an argument with tags or a digest.
fn parse(text: &str) -> Result<Vec<Reference>> {
    let references = Reference::parse_list(text).map_err(|error| Usage(error.into()))?;
    match references.iter().find(|reference| reference.selector().is_none()) {
        Some(bare) => Err(usage(format!("tag or digest is required when removing ({bare}:<tag>)"))),
        None => Ok(references),
    }
}

/// The shortest part of a digest that is accepted, as in git.
const FEWEST_DIGITS: usize = 7;

/// Returns the digits of a digest that is not complete.
fn digits(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    ((FEWEST_DIGITS..64).contains(&digits.len()) && digits.bytes().all(is_digit)).then_some(digits)
}

/// Asks the user of a terminal; fails unless the answer is yes. Scripts are not asked, as in KitOps.
pub(super) fn confirm(context: &Context, is_confirmed: bool, question: &str) -> Result<()> {
    if is_confirmed || !context.environment.is_interactive {
        return Ok(());
    }
    let answer = prompt(&format!("{question} [y/N] "))?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        bail!("nothing was removed")
    }
}

/// The removal of ModelKits from registries.
struct RemoteRemoval<'a> {
    context: &'a Context,
    client: Client,
    /// All ModelKits that are to be removed.
    named: &'a [Reference],
    /// The tags that were removed with their ModelKit.
    gone: Vec<Reference>,
    all_tags: bool,
    /// True if what is attached to a ModelKit is removed with it.
    attached: bool,
    dry_run: bool,
}

impl RemoteRemoval<'_> {
    fn untag(&self, reference: &Reference) -> Result<()> {
        let (output, repository) = (&self.context.output, self.client.repository(reference));
        let jobs = self.client.concurrency(&reference.registry);
        if self.dry_run {
            let manifest = ops::find_remote(&repository, reference)?;
            self.untagged(reference, manifest.digest)?;
            if ops::tags_of(&repository, &manifest.digest, jobs)?.len() == 1 {
                output
                    .say("It has no other tag: a registry that cannot delete single tags deletes the ModelKit itself");
            }
            return Ok(());
        }
        output.say(&format!("Untagging remote ModelKit {reference}"));
        let Untagged { manifest, is_deleted } = ops::untag_remote(&repository, reference, jobs, &self.context.bars)?;
        if !is_deleted {
            self.untagged(reference, manifest.digest)?;
            if self.attached {
                output.say(
                    "The ModelKit is still in the registry, and what is attached to it; add --force to remove them",
                );
            }
            return Ok(());
        }
        self.removed(reference, manifest.digest)?;
        output.say("It had no other tag, so the registry deleted the ModelKit itself");
        let attached = ops::attached_remote(&repository, &manifest)?;
        self.settle_attached(&repository, reference, &attached)
    }

    /// Removes what was attached to a ModelKit that is gone, or says what stays.
    fn settle_attached(
        &self,
        repository: &Repository,
        reference: &Reference,
        attached: &[AttachedManifest],
    ) -> Result<()> {
        if attached.is_empty() {
            return Ok(());
        }
        if !self.attached {
            let (tags, referrers): (Vec<_>, Vec<_>) = attached.iter().partition(|it| it.tag.is_some());
            let tags = tags.iter().filter_map(|it| it.tag.clone());
            let count = (!referrers.is_empty()).then(|| counted(referrers.len(), "referrer"));
            let all = tags.chain(count).collect::<Vec<_>>().join(", ");
            let stays = if self.dry_run { "would stay" } else { "stays" };
            self.context.output.say(&format!("What is attached to it {stays}: {all}; --attached removes it, too"));
            return Ok(());
        }
        if !self.dry_run {
            ops::remove_attached(repository, attached)?;
        }
        for AttachedManifest { digest, tag, .. } in attached {
            let repository = reference.without_selector();
            let name =
                tag.as_ref().map_or_else(|| format!("{repository}@{digest}"), |tag| format!("{repository}:{tag}"));
            let receipt = &self.context.receipt;
            receipt.note("removed", *digest, std::slice::from_ref(&name));
            let done = if self.dry_run { "Would remove" } else { "Removed" };
            receipt.line(&self.context.output, format!("{done} {name}, which was attached"))?;
        }
        Ok(())
    }

    fn untagged(&self, reference: &Reference, digest: Digest) -> Result<()> {
        let (receipt, name) = (&self.context.receipt, reference.to_string());
        receipt.append("untagged", name.clone().into());
        receipt.note("untagged", digest, &[name]);
        let done = if self.dry_run { "Would untag" } else { "Untagged" };
        receipt.line(&self.context.output, format!("{done} {reference} (digest {digest})"))
    }

    fn removed(&self, reference: &Reference, digest: Digest) -> Result<()> {
        let receipt = &self.context.receipt;
        receipt.note("removed", digest, &[reference.to_string()]);
        let done = if self.dry_run { "Would remove" } else { "Removed" };
        receipt.line(&self.context.output, format!("{done} {reference} (digest {digest})"))
    }

    /// Removes a ModelKit, and reports every tag that goes with it.
    fn remove(&mut self, reference: &Reference) -> Result<()> {
        let output = &self.context.output;
        if self.gone.contains(reference) {
            return Ok(());
        }
        let repository = self.client.repository(reference);
        let manifest = ops::find_remote(&repository, reference)?;
        let whole = reference.with_digest(manifest.digest);
        let tags = ops::tags_of(&repository, &manifest.digest, self.client.concurrency(&reference.registry))?;
        let tagged = tags.into_iter().filter_map(|tag| Tag::new(&tag)).map(|tag| reference.with_tag(tag));
        let tagged: Vec<_> = tagged.collect();
        let others: Vec<_> = tagged.iter().filter(|tagged| !self.is_named(tagged)).collect();
        if !self.all_tags && !others.is_empty() {
            let tags = others.iter().filter_map(|other| other.tag.as_ref().map(ToString::to_string)).collect();
            return Err(ops::Error::OtherTags { name: whole.to_string(), tags }.into());
        }
        let attached = ops::attached_remote(&repository, &manifest)?;
        if !self.dry_run {
            output.say(&format!("Deleting remote ModelKit {whole}"));
            ops::remove_remote(&repository, &manifest, &reference.registry)?;
        }
        self.removed(reference, manifest.digest)?;
        for other in tagged.iter().filter(|tagged| **tagged != reference.without_digest()) {
            self.untagged(other, manifest.digest)?;
        }
        self.gone.extend(tagged);
        self.settle_attached(&repository, reference, &attached)
    }

    fn is_named(&self, tagged: &Reference) -> bool {
        self.named.iter().any(|named| named.without_digest() == *tagged)
    }
}

fn remove(context: &Context, removal: &Removal) -> Result<()> {
    let (removed, collected) = ops::remove(&context.store()?, Removable::ModelKits, removal, &context.bars)
        .with_context(|| match removal {
            Removal::Name(reference) | Removal::WithAllNames(reference) => format!("Failed to remove `{reference}`"),
            Removal::Digest(digest) => format!("Failed to remove `{digest}`"),
            Removal::Unnamed | Removal::Everything => "Failed to remove ModelKits".to_owned(),
        })?;
    if removed.is_empty() && collected.files == 0 {
        context.output.say("nothing to remove");
    }
    print_removed(context, &removed, Tense::Past)?;
    say_freed(context, &collected);
    Ok(())
}

/// The tense of the lines about a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tense {
    /// It was made.
    Past,
    /// It would be made.
    Conditional,
}

/// Prints a line for each name and ModelKit that was, or would be, removed.
pub(super) fn print_removed(context: &Context, removed: &[Removed], tense: Tense) -> Result<()> {
    let (untagged, gone) = match tense {
        Tense::Past => ("Untagged", "Removed"),
        Tense::Conditional => ("Would untag", "Would remove"),
    };
    for one in removed {
        let action = if matches!(one, Removed::Name(..)) { "untagged" } else { "removed" };
        context.receipt.note(action, *one.digest(), &[one.reference().to_string()]);
        let line = match one {
            Removed::Name(reference, _) => format!("{untagged} {reference}"),
            Removed::ModelKit(reference, digest) if reference.tag.is_none() => {
                format!("{gone} {}", reference.with_digest(*digest))
            }
            Removed::ModelKit(reference, digest) => format!("{gone} {reference} (digest {digest})"),
        };
        context.receipt.line(&context.output, line)?;
    }
    Ok(())
}

/// Reports the disk space that a removal freed.
pub(super) fn say_freed(context: &Context, collected: &Collected) {
    context.receipt.fact("freedBytes", collected.bytes);
    if collected.deferred {
        context.output.say("disk space will be freed when other kit processes have finished");
    } else if collected.files > 0 {
        context.output.say(&format!("{} freed", human(collected.bytes)));
    }
}
