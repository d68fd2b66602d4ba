//! Copying an artifact from a source to a target: the base of push, pull, save and load.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use super::origins::Origins;
use super::referrers::{self, Found, copy_document};
use crate::digest::Digest;
use crate::modelkit::{self, ModelKitIndex, Variant};
use crate::oci::{BlobOutcome, Content, ContentError, Descriptor, Source, Target};
use crate::ops::artifact::{parse_manifest, variants};
use crate::ops::error::Error;
use crate::ops::transfer::delta::Taken;
use crate::ops::{disk_space, workers};
use crate::progress::{BlobCopied, CopyOutcome, Event, Phase, Progress, Task, human};

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
    copy_unless((source, name), (target, tag), options, || Ok(()), progress)
}

/// Like [`copy`], but calls `refuse` right before the artifact appears at the target.
pub(super) fn copy_unless(
    (source, name): (&dyn Source, &str),
    (target, tag): (&dyn Target, Option<&str>),
    options: &CopyOptions,
    refuse: impl FnOnce() -> Result<(), Error>,
    progress: &dyn Progress,
) -> Result<Copied, Error> {
    let brought = bring((source, name), target, options, progress)?;
    refuse()?;
    brought.publish(target, tag, options, progress)
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
    (source, name): (&dyn Source, &str),
    target: &dyn Target,
    options: &CopyOptions,
    progress: &dyn Progress,
) -> Result<Brought, Error> {
    let artifact = CopySet::read(source, name)?;
    let blobs = &artifact.blobs;
    check(target, blobs)?;
    let is_there = target.has_manifest(&artifact.descriptor).map_err(|error| Error::writing("the manifest", error))?;
    let is_new = target.is_remote() && !is_there;
    let found = referrers::find((source, target), artifact.manifests(), is_new, options);
    if let Some(need) = target.need(blobs).map_err(|error| Error::writing("the blobs", error))? {
        disk_space::check(&need.folder, need.bytes)?;
    }
    let whole = &*progress.overall(blobs.iter().map(|blob| blob.size).sum());
    let copying = Copying { source, target, options, progress, whole };
    let own = blobs.iter().map(|blob| Piece { blob, is_own: true });
    let others = found.blobs().filter(|other| blobs.iter().all(|blob| blob.digest != other.digest));
    let pieces: Vec<_> = own.chain(others.map(|blob| Piece { blob, is_own: false })).collect();
    let outcomes = workers::run(options.jobs, &pieces, |piece| match piece {
        Piece { blob, is_own: true } if is_there => Ok(Outcome::Own(copying.skip_blob(blob))),
        Piece { blob, is_own: true } => copying.copy_blob(blob).map(Outcome::Own),
        Piece { blob, is_own: false } => {
            Ok(Outcome::Other(copying.copy_document(blob).map_err(|error| (blob.digest, error))))
        }
    })?;
    let (mut own, mut lost) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Outcome::Own(outcome) => own.push(outcome),
            Outcome::Other(outcome) => lost.extend(outcome.err()),
        }
    }
    Ok(Brought { referrers: found.without(lost), artifact, outcomes: own, is_new })
}

/// A blob to copy.
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
    pub(crate) fn publish(
        self,
        target: &dyn Target,
        tag: Option<&str>,
        options: &CopyOptions,
        progress: &dyn Progress,
    ) -> Result<Copied, Error> {
        let CopySet { descriptor, bytes, members, blobs } = self.artifact;
        let failed = |error| Error::writing("the manifest", error);
        members.iter().try_for_each(|(member, bytes)| target.put_manifest(member, bytes)).map_err(failed)?;
        let artifact = || target.publish(&descriptor, &bytes, tag).map_err(failed);
        let referrers = || self.referrers.publish(target, options, progress);
        if target.is_remote() && options.jobs > 1 {
            // Referrers may be stored before their subject (distribution-spec 1.1, "Pushing Manifests with Subject").
            workers::both(artifact, referrers).0?;
        } else {
            artifact()?;
            referrers();
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
            match outcome {
                Some(BlobOutcome::Sent { resumed_bytes }) => {
                    copied.sent_bytes += blob.size - resumed_bytes;
                    copied.resumed_bytes += resumed_bytes;
                }
                Some(BlobOutcome::Mounted) => copied.mounted_bytes += blob.size,
                Some(BlobOutcome::Present) | None => copied.present_bytes += blob.size,
            }
        }
        Ok(copied)
    }
}

/// The documents and blobs of a ModelKit, or of an index with all its ModelKits.
pub(crate) struct CopySet {
    pub(crate) descriptor: Descriptor,
    pub(super) bytes: Vec<u8>,
    /// The manifests in the index.
    pub(crate) members: Vec<(Descriptor, Vec<u8>)>,
    /// The blobs without duplicates, the largest first, so that no large one is left for a single worker at the end.
    pub(crate) blobs: Vec<Descriptor>,
}

/// The maximum size of the manifests of an index, which are kept in memory until they are published. Those of a
/// thousand ModelKits have about 2 MiB.
const MEMBERS_BYTES_LIMIT: u64 = 64 * 1024 * 1024;

impl CopySet {
    /// The manifests of the artifact: those in the index, and its own.
    fn manifests(&self) -> impl Iterator<Item = &Descriptor> {
        self.members.iter().map(|(member, _)| member).chain([&self.descriptor])
    }

    pub(crate) fn read(source: &dyn Source, name: &str) -> Result<Self, Error> {
        let descriptor = source.resolve(name).map_err(|error| Error::reading("the manifest", error))?;
        let bytes = source.manifest(&descriptor).map_err(|error| Error::reading("the manifest", error))?;
        let (mut blobs, mut members): (Vec<Descriptor>, _) = (Vec::new(), Vec::new());
        if let Some(index) = variants::read(&descriptor, &bytes)? {
            members = read_members(source, &index)?;
            for (member, bytes) in &members {
                blobs.extend(parse_manifest(bytes, &member.digest.to_string())?.blobs().cloned());
            }
        } else {
            blobs.extend(parse_manifest(&bytes, name)?.blobs().cloned());
        }
        let mut seen = HashSet::new();
        blobs.retain(|blob| seen.insert(blob.digest));
        blobs.sort_by_key(|blob| std::cmp::Reverse(blob.size));
        Ok(Self { descriptor, bytes, members, blobs })
    }
}

fn read_members(source: &dyn Source, index: &ModelKitIndex) -> Result<Vec<(Descriptor, Vec<u8>)>, Error> {
    let members: Vec<_> = index.variants().iter().map(Variant::descriptor).collect();
    let size = members.iter().fold(0, |sum: u64, member| sum.saturating_add(member.size));
    if size > MEMBERS_BYTES_LIMIT {
        let reason = format!("their size is {}, the limit is {}", human(size), human(MEMBERS_BYTES_LIMIT));
        return Err(Error::reading("the manifests of the index", ContentError::Other(reason.into())));
    }
    workers::run(workers::jobs(), &members, |member| {
        let bytes = source.manifest(member);
        let bytes = bytes.map_err(|error| Error::reading(&format!("the manifest `{}`", member.digest), error))?;
        Ok((member.clone(), bytes))
    })
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

/// A copy in progress.
pub(crate) struct Copying<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) target: &'a dyn Target,
    pub(crate) options: &'a CopyOptions,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) whole: &'a dyn Task,
}

impl Copying<'_> {
    /// Copies a blob to the target and returns the outcome; `None` if the target already had it.
    pub(crate) fn copy_blob(&self, blob: &Descriptor) -> Result<Option<BlobOutcome>, Error> {
        let label = modelkit::label(blob);
        let origin =
            match cheapest_action(self.target, blob, self.options).map_err(|error| Error::writing(&label, error))? {
                BlobAction::Present => return Ok(self.skip_blob(blob)),
                BlobAction::Mount(origin) => Some(origin),
                BlobAction::Send => None,
            };
        let outcome = self.put(blob, &label, origin.as_deref())?;
        let how = match (outcome, &origin) {
            (BlobOutcome::Mounted, Some(from)) => CopyOutcome::Mounted { from },
            (BlobOutcome::Sent { resumed_bytes }, _) => CopyOutcome::Copied { resumed_bytes },
            (BlobOutcome::Mounted, None) => CopyOutcome::Copied { resumed_bytes: 0 },
            (BlobOutcome::Present, _) => CopyOutcome::Present,
        };
        self.report(blob, how);
        Ok(Some(outcome))
    }

    /// Passes over a blob that the target has.
    fn skip_blob(&self, blob: &Descriptor) -> Option<BlobOutcome> {
        self.whole.skip(blob.size);
        self.report(blob, CopyOutcome::Present);
        None
    }

    /// Copies a blob of a referrer, without progress.
    fn copy_document(&self, blob: &Descriptor) -> Result<(), Error> {
        copy_document((self.source, self.target), blob, self.options)
    }

    fn report(&self, blob: &Descriptor, outcome: CopyOutcome<'_>) {
        let (kind, path) = modelkit::kind_and_path(blob);
        let (digest, bytes) = (blob.digest, blob.size);
        self.progress.report(&Event::BlobCopied(BlobCopied { kind, path, digest, bytes, outcome }));
    }

    fn put(&self, blob: &Descriptor, label: &str, origin: Option<&str>) -> Result<BlobOutcome, Error> {
        let content = self.source.blob(blob);
        let task = self.progress.start(self.options.phase, label, Some(blob.size));
        let tracked = Tracked { content: &*content, task: &*task, failed: AtomicBool::new(false) };
        let outcome = self.target.put_from(blob, origin, &tracked).map_err(|error| {
            if tracked.failed.load(Ordering::Relaxed) {
                Error::reading(label, error)
            } else {
                Error::writing(label, error)
            }
        })?;
        // Also if the blob was mounted, or written by another process.
        task.set(blob.size);
        Ok(outcome)
    }
}

/// Counts the bytes that are read, and records whether the source failed. Opening the content again sets the count to
/// the offset.
struct Tracked<'a> {
    content: &'a dyn Content,
    task: &'a dyn Task,
    failed: AtomicBool,
}

impl Content for Tracked<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        self.task.set(offset);
        match self.content.open_at(offset) {
            Ok(reader) => Ok(Box::new(TrackedReader { reader, tracked: self })),
            Err(error) => {
                self.failed.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    fn report_mismatch(&self) -> bool {
        self.content.report_mismatch()
    }
}

struct TrackedReader<'a> {
    reader: Box<dyn Read + Send + 'a>,
    tracked: &'a Tracked<'a>,
}

impl Read for TrackedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Ok(read) => {
                self.tracked.task.advance(read as u64);
                Ok(read)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.tracked.failed.store(true, Ordering::Relaxed);
                }
                Err(error)
            }
        }
    }
}
