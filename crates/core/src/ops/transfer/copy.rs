//! The one copy of an artifact from a place to another: push, pull and everything like them.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use super::origins::Origins;
use super::referrers;
use crate::modelkit::{self, ModelKitIndex, Variant};
use crate::oci::{BlobOutcome, Content, ContentError, Descriptor, Source, Target};
use crate::ops::artifact::{parse_manifest, variants};
use crate::ops::error::Error;
use crate::ops::transfer::delta::Taken;
use crate::ops::{disk_space, workers};
use crate::progress::{BlobCopied, CopyOutcome, Event, Phase, Progress, Task, human};

/// How to copy.
#[derive(Debug, Clone)]
pub struct CopyOptions {
    /// How many blobs travel at once.
    pub jobs: usize,
    /// What may be mounted instead of sent.
    pub origins: Origins,
    /// What to call it while bytes travel.
    pub phase: Phase,
}

/// What a copy did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The manifest that is at the target now.
    pub manifest: Descriptor,
    /// Bytes of blobs that travelled.
    pub sent_bytes: u64,
    /// Bytes that an earlier process had sent of blobs that it did not finish.
    pub resumed_bytes: u64,
    /// Bytes of blobs that were there.
    pub present_bytes: u64,
    /// Bytes of blobs that the target had in another repository.
    pub mounted_bytes: u64,
    /// What was taken from older versions and so did not travel.
    pub taken: Taken,
}

/// Copies the artifact called `name` with everything it needs and calls it `tag` at the target. An index of ModelKits goes with all
/// of them.
///
/// Blobs that the target has, here or in another repository, do not travel. The manifest goes last: the artifact appears at the target only when it is
/// whole. What is not a ModelKit is refused before anything moves. What refers to the artifact, such as signatures, follows it as
/// far as it can.
pub fn copy(
    (source, name): (&dyn Source, &str),
    (target, tag): (&dyn Target, Option<&str>),
    options: &CopyOptions,
    progress: &dyn Progress,
) -> Result<Copied, Error> {
    copy_unless((source, name), (target, tag), options, || Ok(()), progress)
}

/// Like [`copy`], and asks `refuse` right before the artifact appears at the target.
pub(super) fn copy_unless(
    (source, name): (&dyn Source, &str),
    (target, tag): (&dyn Target, Option<&str>),
    options: &CopyOptions,
    refuse: impl FnOnce() -> Result<(), Error>,
    progress: &dyn Progress,
) -> Result<Copied, Error> {
    let brought = bring((source, name), target, options, progress)?;
    refuse()?;
    brought.publish((source, target), tag, options, progress)
}

/// An artifact whose blobs are all at the target, and which does not appear there yet.
pub(crate) struct Brought {
    artifact: CopySet,
    /// In the order of the blobs; none for those that were there.
    outcomes: Vec<Option<BlobOutcome>>,
}

/// Copies what the artifact called `name` needs.
pub(crate) fn bring(
    (source, name): (&dyn Source, &str),
    target: &dyn Target,
    options: &CopyOptions,
    progress: &dyn Progress,
) -> Result<Brought, Error> {
    let artifact = CopySet::read(source, name)?;
    let blobs = &artifact.blobs;
    check(target, blobs)?;
    if let Some(need) = target.need(blobs).map_err(|error| Error::writing("the blobs", error))? {
        disk_space::check(&need.folder, need.bytes)?;
    }
    let whole = &*progress.overall(blobs.iter().map(|blob| blob.size).sum());
    let copying = Copying { source, target, options, progress, whole };
    let outcomes = workers::run(options.jobs, blobs, |blob| copying.copy_blob(blob))?;
    Ok(Brought { artifact, outcomes })
}

impl Brought {
    /// Lets it appear, and what refers to it follow.
    pub(crate) fn publish(
        self,
        (source, target): (&dyn Source, &dyn Target),
        tag: Option<&str>,
        options: &CopyOptions,
        progress: &dyn Progress,
    ) -> Result<Copied, Error> {
        let CopySet { descriptor, bytes, members, blobs } = self.artifact;
        let failed = |error| Error::writing("the manifest", error);
        members.iter().try_for_each(|(member, bytes)| target.put_manifest(member, bytes)).map_err(failed)?;
        target.publish(&descriptor, &bytes, tag).map_err(failed)?;
        for manifest in members.iter().map(|(member, _)| member).chain([&descriptor]) {
            referrers::copy_referrers((source, target), manifest, options, progress);
        }
        let mut copied = Copied {
            manifest: descriptor,
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
                None => copied.present_bytes += blob.size,
            }
        }
        Ok(copied)
    }
}

/// A ModelKit, or an index of ModelKits with all of them, as far as its moving needs it.
pub(crate) struct CopySet {
    pub(crate) descriptor: Descriptor,
    pub(super) bytes: Vec<u8>,
    /// The manifests that an index leads to.
    pub(crate) members: Vec<(Descriptor, Vec<u8>)>,
    /// Each once, the largest first, so that no worker is left alone with it at the end.
    pub(crate) blobs: Vec<Descriptor>,
}

/// The manifests of an index are kept in memory until they are published. Those of a thousand ModelKits have some 2 MiB.
const MEMBERS_BYTES_LIMIT: u64 = 64 * 1024 * 1024;

impl CopySet {
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
        let reason = format!("they have {}, and at most {} are read", human(size), human(MEMBERS_BYTES_LIMIT));
        return Err(Error::reading("the manifests of the index", ContentError::Other(reason.into())));
    }
    workers::run(workers::jobs(), &members, |member| {
        let bytes = source.manifest(member);
        let bytes = bytes.map_err(|error| Error::reading(&format!("the manifest `{}`", member.digest), error))?;
        Ok((member.clone(), bytes))
    })
}

/// Refuses what the target is known not to take, before anything moves.
pub(super) fn check(target: &dyn Target, blobs: &[Descriptor]) -> Result<(), Error> {
    let what = |blob| format!("{} ({})", modelkit::label(blob), human(blob.size));
    blobs.iter().try_for_each(|blob| target.check(blob).map_err(|error| Error::writing(&what(blob), error)))
}

/// What is to become of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobAction {
    /// Its bytes travel.
    Send,
    /// The target can have it from this other repository.
    Mount(String),
    /// It is there.
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

/// One copy under way.
pub(crate) struct Copying<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) target: &'a dyn Target,
    pub(crate) options: &'a CopyOptions,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) whole: &'a dyn Task,
}

impl Copying<'_> {
    /// Gets a blob to the target, and tells how it came there; `None` if it was there.
    pub(crate) fn copy_blob(&self, blob: &Descriptor) -> Result<Option<BlobOutcome>, Error> {
        let label = modelkit::label(blob);
        let action = action(self.target, blob, self.options).map_err(|error| Error::writing(&label, error))?;
        let origin = match action {
            BlobAction::Present => {
                self.whole.skip(blob.size);
                self.report(blob, CopyOutcome::Present);
                return Ok(None);
            }
            BlobAction::Mount(origin) => Some(origin),
            BlobAction::Send => None,
        };
        let outcome = self.put(blob, &label, origin.as_deref())?;
        let how = match (outcome, &origin) {
            (BlobOutcome::Mounted, Some(from)) => CopyOutcome::Mounted { from },
            (BlobOutcome::Sent { resumed_bytes }, _) => CopyOutcome::Copied { resumed_bytes },
            (BlobOutcome::Mounted, None) => CopyOutcome::Copied { resumed_bytes: 0 },
        };
        self.report(blob, how);
        Ok(Some(outcome))
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
        // However it came: mounted, or brought by another process.
        task.set(blob.size);
        Ok(outcome)
    }
}

/// Counts the bytes that pass, and remembers whether it was this side that failed. Content that is opened again sets the
/// count back to where it is opened.
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
