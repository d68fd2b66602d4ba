//! Copying an artifact from a source to a target: the base of push, pull, save and load.

use std::collections::HashSet;

use super::copy_set::CopySet;
use super::copying::Copying;
use super::origins::Origins;
use super::referrers::{self, Carry, Found};
use super::turns;
use crate::digest::Digest;
use crate::modelkit::{self, ContentsTable};
use crate::oci::{BlobOutcome, ContentError, Descriptor, Source, Target};
use crate::ops::error::Error;
use crate::ops::transfer::delta::Taken;
use crate::ops::{disk_space, workers};
use crate::progress::{Phase, Progress, human};

/// Options of [`copy`].
#[derive(Debug, Clone)]
pub struct CopyOptions {
    /// The number of blobs that are transferred at the same time.
    pub jobs: usize,
    /// The repositories from which blobs may be mounted instead of sent.
    pub origins: Origins,
    /// The phase that the progress display shows.
    pub phase: Phase,
}

/// The result of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The manifest that was published at the target.
    pub manifest: Descriptor,
    /// True if the target is a registry that did not have the manifest.
    pub is_new: bool,
    /// The size in bytes of the blobs that were transferred.
    pub sent_bytes: u64,
    /// The number of bytes that an earlier, unfinished run had already sent.
    pub resumed_bytes: u64,
    /// The size in bytes of the blobs that the target already had.
    pub present_bytes: u64,
    /// The size in bytes of the blobs that were mounted from another repository.
    pub mounted_bytes: u64,
    /// The content that was read from older versions instead of being transferred.
    pub taken: Taken,
}

/// Copies the artifact `name` with everything that it needs, and tags it `tag` at the target. An index is copied with
/// all its ModelKits.
///
/// Blobs that the target already has, in this or in another repository, are not transferred. The manifest is published
/// last: the artifact appears at the target only when it is complete. An artifact that is not a ModelKit is refused
/// before any transfer. The referrers of the artifact, such as signatures, are copied after it as far as possible.
pub fn copy(
    (source, name): (&dyn Source, &str),
    (target, tag): (&dyn Target, Option<&str>),
    options: &CopyOptions,
    progress: &dyn Progress,
) -> Result<Copied, Error> {
    copy_unless((source, name), (target, tag), (options, Carry::IfPossible), || Ok(()), progress)
}

/// Like [`copy`], but calls `refuse` right before the artifact appears at the target. Referrers that cannot be copied
/// are treated as the [`Carry`] says.
pub fn copy_unless(
    (source, name): (&dyn Source, &str),
    (target, tag): (&dyn Target, Option<&str>),
    (options, carry): (&CopyOptions, Carry),
    refuse: impl FnOnce() -> Result<(), Error>,
    progress: &dyn Progress,
) -> Result<Copied, Error> {
    let mut brought = bring((source, name), target, options, progress)?;
    brought.referrers.refuse_losses(carry)?;
    refuse()?;
    brought.publish(target, tag, (options, carry), progress).map_err(|error| explain(target, error))
}

/// Returns `error`, and says that the disk of `target` is full if that is the cause.
fn explain(target: &dyn Target, error: Error) -> Error {
    match target.need(&[]) {
        Ok(Some(need)) => disk_space::explain(&need.folder, error),
        _ => error,
    }
}

/// An artifact whose blobs are all at the target, but whose manifest is not published yet.
pub(crate) struct Brought {
    artifact: CopySet,
    /// The outcomes, in the order of the blobs; `None` for those that the target already had.
    outcomes: Vec<Option<BlobOutcome>>,
    referrers: Found,
    /// True if the target is a registry that did not have the manifest.
    is_new: bool,
}

/// Copies the blobs of the artifact `name`.
pub(crate) fn bring(
    source: (&dyn Source, &str),
    target: &dyn Target,
    options: &CopyOptions,
    progress: &dyn Progress,
) -> Result<Brought, Error> {
    bring_blobs(source, target, options, progress).map_err(|error| explain(target, error))
}

fn bring_blobs(
    (source, name): (&dyn Source, &str),
    target: &dyn Target,
    options: &CopyOptions,
    progress: &dyn Progress,
) -> Result<Brought, Error> {
    let artifact = CopySet::read_form(source, name)?;
    let blobs = &artifact.blobs;
    check(target, blobs)?;
    // For the blobs, and the two of the provenance record. The question for the manifest may use one of them, if the
    // server is near.
    target.open_ahead(options.jobs.min(blobs.len() + 2));
    let is_there = target.has_manifest(&artifact.descriptor).map_err(|error| Error::writing("the manifest", error))?;
    let is_remote = target.is_remote();
    let is_new = is_remote && !is_there;
    if let Some(need) = target.need(blobs).map_err(|error| Error::writing("the blobs", error))? {
        disk_space::check(&need.folder, need.bytes)?;
    }
    let whole = &*progress.overall(blobs.iter().map(|blob| blob.size).sum());
    let copying = Copying::new((source, target), options, progress, whole);
    let own: Vec<_> = blobs.iter().map(|blob| Piece { blob, is_own: true }).collect();
    let run = |pieces: &[Piece<'_>]| {
        let work = |piece: &Piece<'_>| match piece {
            Piece { blob, is_own: true } if is_there => Ok(Outcome::Own(copying.skip_blob(blob))),
            Piece { blob, is_own: true } => copying.copy_blob(blob).map(Outcome::Own),
            Piece { blob, is_own: false } => {
                Ok(Outcome::Other(copying.copy_document(blob).map_err(|error| (blob.digest, error))))
            }
        };
        let wait = |blob: &Descriptor| copying.wait_for_writer(blob);
        turns::run((target, options.jobs), pieces, |piece| piece.blob, wait, work)
    };
    let find = || referrers::find((source, target), artifact.manifests(), is_new, options);
    let (outcomes, found) = if is_remote {
        let found = find();
        (run(&[own, others(blobs, &found)].concat())?, found)
    } else {
        // A local target reads tables of contents together with their layers; those it does not read again.
        let tables: HashSet<_> = blobs.iter().filter_map(table_digest).collect();
        let find = || {
            let found = find();
            let mut early = others(blobs, &found);
            early.retain(|other| !tables.contains(&other.blob.digest));
            run(&early).map(|outcomes| (found, outcomes))
        };
        let run_own = || run(&own);
        // The layers do not wait for the requests for referrers.
        let (outcomes, found) = if options.jobs > 1 { workers::both(run_own, find) } else { (run_own(), find()) };
        let (mut outcomes, (found, early)) = (outcomes?, found?);
        outcomes.extend(early);
        let mut late = others(blobs, &found);
        late.retain(|other| tables.contains(&other.blob.digest));
        outcomes.extend(run(&late)?);
        (outcomes, found)
    };
    copying.report_present();
    let (mut own, mut lost) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Outcome::Own(outcome) => own.push(outcome),
            Outcome::Other(outcome) => lost.extend(outcome.err()),
        }
    }
    Ok(Brought { referrers: found.without(lost), artifact, outcomes: own, is_new })
}

/// The digest of the table of contents of `layer`, if it is a blob of its own.
fn table_digest(layer: &Descriptor) -> Option<Digest> {
    ContentsTable::of(layer)?.blob().map(|table| table.digest)
}

/// The blobs of referrers that the artifact itself does not have.
fn others<'a>(own: &[Descriptor], found: &'a Found) -> Vec<Piece<'a>> {
    let others = found.blobs().filter(|other| own.iter().all(|blob| blob.digest != other.digest));
    others.map(|blob| Piece { blob, is_own: false }).collect()
}

/// A blob to copy.
#[derive(Clone, Copy)]
struct Piece<'a> {
    blob: &'a Descriptor,
    /// False for a blob of a referrer, without which the artifact is complete too.
    is_own: bool,
}

enum Outcome {
    Own(Option<BlobOutcome>),
    Other(Result<(), (Digest, Error)>),
}

impl Brought {
    /// Publishes the artifact and copies its referrers.
    /// Fails if a referrer was not copied although a policy requires it.
    pub(crate) fn refuse_losses(&mut self, carry: Carry) -> Result<(), Error> {
        self.referrers.refuse_losses(carry)
    }

    pub(crate) fn publish(
        self,
        target: &dyn Target,
        tag: Option<&str>,
        (options, carry): (&CopyOptions, Carry),
        progress: &dyn Progress,
    ) -> Result<Copied, Error> {
        let CopySet { descriptor, bytes, members, blobs } = self.artifact;
        let failed = |error| Error::writing("the manifest", error);
        members.iter().try_for_each(|(member, bytes)| target.put_manifest(member, bytes)).map_err(failed)?;
        let artifact = || target.publish(&descriptor, &bytes, tag).map_err(failed);
        let referrers = || self.referrers.publish(target, options, progress);
        if carry == Carry::Everything {
            // The artifact does not appear without them.
            carry.judge(referrers(), progress)?;
            artifact()?;
        } else if target.is_remote() && options.jobs > 1 {
            // Referrers may be stored before their subject (distribution-spec 1.1, "Pushing Manifests with Subject").
            let (published, failures) = workers::both(artifact, referrers);
            published?;
            carry.judge(failures, progress)?;
        } else {
            artifact()?;
            carry.judge(referrers(), progress)?;
        }
        let mut copied = Copied {
            manifest: descriptor,
            is_new: self.is_new,
            sent_bytes: 0,
            resumed_bytes: 0,
            present_bytes: 0,
            mounted_bytes: 0,
            taken: Taken::default(),
        };
        for (blob, outcome) in blobs.iter().zip(self.outcomes) {
            copied.count(blob.size, outcome);
        }
        Ok(copied)
    }
}

impl Copied {
    /// Counts a blob of `size` bytes; without an outcome, the target already had it.
    pub(crate) fn count(&mut self, size: u64, outcome: Option<BlobOutcome>) {
        match outcome {
            Some(BlobOutcome::Sent { resumed_bytes }) => {
                self.sent_bytes += size - resumed_bytes;
                self.resumed_bytes += resumed_bytes;
            }
            Some(BlobOutcome::Mounted) => self.mounted_bytes += size,
            Some(BlobOutcome::Present) | None => self.present_bytes += size,
        }
    }
}

/// Fails if the target is known to refuse a blob, before any transfer.
pub(super) fn check(target: &dyn Target, blobs: &[Descriptor]) -> Result<(), Error> {
    let what = |blob| format!("{} ({})", modelkit::label(blob), human(blob.size));
    blobs.iter().try_for_each(|blob| target.check(blob).map_err(|error| Error::writing(&what(blob), error)))
}

/// The treatment of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobAction {
    /// It is transferred.
    Send,
    /// It is mounted from this other repository of the target.
    Mount(String),
    /// The target already has it.
    Present,
}

pub(super) fn action(
    target: &dyn Target,
    blob: &Descriptor,
    options: &CopyOptions,
) -> Result<BlobAction, ContentError> {
    if target.contains(blob)? {
        return Ok(BlobAction::Present);
    }
    let candidates = options.origins.of(&blob.digest);
    Ok(target.origin_among(blob, &candidates)?.map_or(BlobAction::Send, BlobAction::Mount))
}

/// Decides about a blob like [`action`], but with as few requests as possible: storing a small one shows if the target
/// or an origin has it, and a repository that has all blobs of the artifact is an origin without being asked.
pub(super) fn cheapest_action(
    target: &dyn Target,
    blob: &Descriptor,
    options: &CopyOptions,
) -> Result<BlobAction, ContentError> {
    if let Some(origin) = options.origins.of_all() {
        return Ok(BlobAction::Mount(origin.to_owned()));
    }
    if target.finds_on_put(blob) {
        let origin = options.origins.of(&blob.digest).into_iter().next();
        return Ok(origin.map_or(BlobAction::Send, BlobAction::Mount));
    }
    action(target, blob, options)
}
