//! Copying an artifact from a source to a target: the base of push, pull, save and load.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use super::origins::Origins;
use super::referrers;
use crate::modelkit::{self, ModelKitIndex, Variant, contents_of};
use crate::oci::{BlobOutcome, Content, ContentError, Descriptor, Inspection, Source, Target};
use crate::ops::artifact::{parse_manifest, variants};
use crate::ops::error::Error;
use crate::ops::files::{PassingCheck, tables};
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
    brought.publish((source, target), tag, options, progress)
}

/// An artifact whose blobs are all at the target, but whose manifest is not published yet.
pub(crate) struct Brought {
    artifact: CopySet,
    /// The outcomes, in the order of the blobs; `None` for those that the target already had.
    outcomes: Vec<Option<BlobOutcome>>,
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
    if let Some(need) = target.need(blobs).map_err(|error| Error::writing("the blobs", error))? {
        disk_space::check(&need.folder, need.bytes)?;
    }
    let whole = &*progress.overall(blobs.iter().map(|blob| blob.size).sum());
    let copying = Copying { source, target, options, progress, whole };
    let outcomes = workers::run(options.jobs, blobs, |blob| copying.copy_blob(blob))?;
    Ok(Brought { artifact, outcomes })
}

impl Brought {
    /// Publishes the artifact and copies its referrers.
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
        let action = action(self.target, blob, self.options).map_err(|error| Error::writing(&label, error))?;
        let origin = match action {
            BlobAction::Present => {
                self.check_present(blob)?;
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

    /// Compares a layer that the target has with its table of contents, if the target keeps a record of that.
    fn check_present(&self, blob: &Descriptor) -> Result<(), Error> {
        let Some(table) = self.unchecked_table(blob)? else { return Ok(()) };
        self.target.checked_tables().map_or(Ok(()), |tables| tables::check(tables, blob, &table))?;
        self.put_table(blob, &table)
    }

    /// Stores the table of contents of `blob`, so that it is not fetched again with the referrers.
    fn put_table(&self, blob: &Descriptor, table: &Vec<u8>) -> Result<(), Error> {
        let put = contents_of(blob).map_or(Ok(()), |descriptor| self.target.put(&descriptor, table));
        put.map_err(|error| Error::writing("a table of contents", error))
    }

    /// Returns the table of contents of `blob`, if the target requires that it is compared with the layer.
    fn unchecked_table(&self, blob: &Descriptor) -> Result<Option<Vec<u8>>, Error> {
        match self.target.checked_tables() {
            Some(tables) if !tables::is_checked(tables, blob) => tables::bytes(self.source, blob),
            _ => Ok(None),
        }
    }

    fn report(&self, blob: &Descriptor, outcome: CopyOutcome<'_>) {
        let (kind, path) = modelkit::kind_and_path(blob);
        let (digest, bytes) = (blob.digest, blob.size);
        self.progress.report(&Event::BlobCopied(BlobCopied { kind, path, digest, bytes, outcome }));
    }

    fn put(&self, blob: &Descriptor, label: &str, origin: Option<&str>) -> Result<BlobOutcome, Error> {
        let content = self.source.blob(blob);
        let task = self.progress.start(self.options.phase, label, Some(blob.size));
        let table = self.unchecked_table(blob)?;
        let (failed, is_checked) = (AtomicBool::new(false), AtomicBool::new(false));
        let tracked = Tracked { content: &*content, task: &*task, blob, table, failed, is_checked };
        let outcome = self.target.put_from(blob, origin, &tracked).map_err(|error| {
            if tracked.failed.load(Ordering::Relaxed) {
                Error::reading(label, error)
            } else {
                Error::writing(label, error)
            }
        })?;
        match (self.target.checked_tables(), &tracked.table) {
            (Some(tables), Some(table)) if tracked.is_checked.load(Ordering::Relaxed) => {
                tables::note_checked(tables, blob);
                self.put_table(blob, table)?;
            }
            // Another process wrote the blob.
            _ => self.check_present(blob)?,
        }
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
    blob: &'a Descriptor,
    /// The table of contents that the content must match.
    table: Option<Vec<u8>>,
    failed: AtomicBool,
    /// True after the content was compared with the table.
    is_checked: AtomicBool,
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

    fn inspection(&self) -> Result<Option<Box<dyn Inspection + '_>>, ContentError> {
        let Some(table) = &self.table else { return Ok(None) };
        let check = PassingCheck::start(self.blob.clone(), table.clone())?;
        Ok(Some(Box::new(TrackedCheck { check, tracked: self })))
    }
}

/// Records the result of comparing the content with its table of contents.
struct TrackedCheck<'a> {
    check: PassingCheck,
    tracked: &'a Tracked<'a>,
}

impl Inspection for TrackedCheck<'_> {
    fn take(&mut self, bytes: &[u8]) {
        self.check.take(bytes);
    }

    fn finish(self: Box<Self>) -> Result<(), ContentError> {
        let Self { check, tracked } = *self;
        let result = check.finish();
        tracked.failed.fetch_or(result.is_err(), Ordering::Relaxed);
        tracked.is_checked.store(result.is_ok(), Ordering::Relaxed);
        result
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
