//! Content that is being copied: counts the bytes, records failures of the source, and checks tables of contents.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::digest::Hasher;
use crate::oci::{Content, ContentError, Descriptor, Inspection};
use crate::ops::files::{Depth, PassingCheck};
use crate::progress::Task;

/// Counts the bytes that are read, and records whether the source failed. Opening the content again sets the count to
/// the offset.
pub(super) struct Tracked<'a> {
    pub(super) content: &'a dyn Content,
    pub(super) task: &'a dyn Task,
    pub(super) blob: &'a Descriptor,
    /// The table of contents that the content must match.
    pub(super) table: Option<Vec<u8>>,
    pub(super) failed: AtomicBool,
    /// True after the content was compared with the table.
    pub(super) is_checked: AtomicBool,
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
        let check = PassingCheck::start(self.blob.clone(), table.clone(), Depth::Chunks)?;
        Ok(Some(Box::new(TrackedCheck { check, tracked: self })))
    }
}

/// Records the result of comparing the content with its table of contents.
struct TrackedCheck<'a> {
    check: PassingCheck,
    tracked: &'a Tracked<'a>,
}

impl Inspection for TrackedCheck<'_> {
    fn hasher(&mut self) -> Hasher {
        self.check.hasher()
    }

    fn take(&mut self, bytes: &Bytes) {
        self.check.take(bytes.clone());
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
