//! The copy of one blob after another: the decision how, the transfer, and the reports about both.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::copy::{BlobAction, CopyOptions, cheapest_action};
use super::referrers::copy_document;
use super::tracked::Tracked;
use crate::modelkit::{self, ContentsTable};
use crate::oci::{BlobOutcome, Descriptor, Source, Target};
use crate::ops::error::Error;
use crate::ops::files::tables;
use crate::progress::{BlobCopied, CopyOutcome, Event, Progress, Task};

/// A copy in progress.
pub(crate) struct Copying<'a> {
    source: &'a dyn Source,
    target: &'a dyn Target,
    options: &'a CopyOptions,
    progress: &'a dyn Progress,
    whole: &'a dyn Task,
    /// The number of layers that the target already had, and their size.
    present: (AtomicUsize, AtomicU64),
}

impl<'a> Copying<'a> {
    pub(crate) fn new(
        (source, target): (&'a dyn Source, &'a dyn Target),
        options: &'a CopyOptions,
        progress: &'a dyn Progress,
        whole: &'a dyn Task,
    ) -> Self {
        Self { source, target, options, progress, whole, present: Default::default() }
    }
}

impl Copying<'_> {
    /// Copies a blob to the target and returns the outcome; `None` if the target already had it.
    pub(crate) fn copy_blob(&self, blob: &Descriptor) -> Result<Option<BlobOutcome>, Error> {
        let label = modelkit::label(blob);
        let origin =
            match cheapest_action(self.target, blob, self.options).map_err(|error| Error::writing(&label, error))? {
                BlobAction::Present => {
                    self.check_present(blob)?;
                    return Ok(self.skip_blob(blob));
                }
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

    /// Waits as long as another process writes the blob to the target, and shows its progress.
    pub(super) fn wait_for_writer(&self, blob: &Descriptor) -> Result<(), Error> {
        let label = modelkit::label(blob);
        let task = self.progress.start(self.options.phase, &label, Some(blob.size));
        let waited = self.target.wait_for_writer(blob, &|written_bytes| task.set(written_bytes));
        // The bytes count when the blob is found, or copied after all.
        task.set(0);
        waited.map_err(|error| Error::writing(&label, error))
    }

    /// Passes over a blob that the target has.
    pub(super) fn skip_blob(&self, blob: &Descriptor) -> Option<BlobOutcome> {
        self.whole.skip(blob.size);
        self.report(blob, CopyOutcome::Present);
        None
    }

    /// Copies a blob of a referrer, without progress.
    pub(super) fn copy_document(&self, blob: &Descriptor) -> Result<(), Error> {
        copy_document((self.source, self.target), blob, self.options)
    }

    /// Compares a layer that the target has with its table of contents, if the target keeps a record of that.
    fn check_present(&self, blob: &Descriptor) -> Result<(), Error> {
        let Some(table) = self.unchecked_table(blob)? else { return Ok(()) };
        self.target.checked_tables().map_or(Ok(()), |tables| tables::check(tables, blob, &table))?;
        self.put_table(blob, &table)
    }

    /// Stores the table of contents of `blob`, if it is a blob of its own, so that it is not fetched again with the
    /// referrers.
    fn put_table(&self, blob: &Descriptor, table: &Vec<u8>) -> Result<(), Error> {
        let descriptor = ContentsTable::of(blob).and_then(|table| table.blob().cloned());
        let put = descriptor.map_or(Ok(()), |descriptor| self.target.put(&descriptor, table));
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
        if outcome == CopyOutcome::Present && !modelkit::is_config(blob) {
            self.present.0.fetch_add(1, Ordering::Relaxed);
            self.present.1.fetch_add(bytes, Ordering::Relaxed);
        }
        self.progress.report(&Event::BlobCopied(BlobCopied { kind, path, digest, bytes, outcome }));
    }

    /// Reports the layers that the target already had, all together.
    pub(crate) fn report_present(&self) {
        let (layers, bytes) = (self.present.0.load(Ordering::Relaxed), self.present.1.load(Ordering::Relaxed));
        if layers > 0 {
            self.progress.report(&Event::LayersPresent { layers, bytes });
        }
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
