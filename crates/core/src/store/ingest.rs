//! Stores blobs whose digest is known beforehand, and resumes interrupted attempts.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use fs_err as fs;

use super::durability::disk;
use super::error::Error;
use super::layout::Store;
use super::waiting::Kind;
use crate::blocks::Blocks;
use crate::digest::{Hasher, VerifyingReader};
use crate::oci::{Content, ContentError, Descriptor, Inspection};
use crate::sys::{self, BlockWriter, Leftover, LeftoverKind};

/// The number of blocks in which an earlier attempt's bytes are read.
const PRESENT_BLOCKS: usize = 3;

impl Store {
    /// Returns true if the blob exists with the right size. Its bytes were verified when they were stored; they are
    /// read only if a crash of the machine may have damaged them since then.
    pub(super) fn has_blob(&self, blob: &Descriptor) -> Result<bool, Error> {
        match fs::metadata(self.blob_path(&blob.digest)) {
            Ok(metadata) => Ok(self.confirm(&blob.digest, &metadata)? && metadata.len() == blob.size),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns how many bytes of the blob exist: all of it, or what an interrupted attempt left.
    pub(super) fn present_bytes(&self, blob: &Descriptor) -> Result<u64, Error> {
        if self.has_blob(blob)? {
            return Ok(blob.size);
        }
        match sys::open_regular(&self.ingest().join(blob.digest.hex())) {
            Ok(partial) => Ok(usable_length(&partial, blob)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the partial file of a blob, when no other process is writing it.
    fn open_locked(&self, path: &Path) -> Result<fs::File, Error> {
        let file = self.open_partial(path)?;
        self.waiting().take(&file, Kind::Exclusive)?;
        Ok(file)
    }

    /// Stores a blob by way of a partial file named by its digest. Two processes that want the same blob share one
    /// download: the second waits for the first and then finds the blob. A partial file of an earlier run is resumed;
    /// if its bytes turn out to be wrong at the end, the blob is fetched again from the start, and once more from each
    /// other source of the content.
    pub(super) fn ingest_blob(&self, blob: &Descriptor, content: &dyn Content) -> Result<(), ContentError> {
        let path = self.ingest().join(blob.digest.hex());
        let mut partial = loop {
            let partial = self.open_locked(&path)?;
            if self.has_blob(blob)? {
                return Ok(());
            }
            // The previous holder of the lock may have renamed or removed the file while this process waited.
            if sys::is_still_at(partial.file(), &path)? {
                break partial;
            }
        };
        let _kept = Leftover::new(LeftoverKind::PartialDownload(path.clone()));
        let resumed = usable_length(&partial, blob)?;
        let mut fetched = fetch(&mut partial, resumed, blob, content);
        if resumed > 0 && is_mismatch(&fetched) {
            fetched = fetch(&mut partial, 0, blob, content);
        }
        while is_mismatch(&fetched) && content.report_mismatch() {
            fetched = fetch(&mut partial, 0, blob, content);
        }
        let inspection = fetched.inspect_err(|error| {
            if let ContentError::Mismatch(_) = error {
                // Wrong from the first byte: nothing to resume. An error of the removal would hide the mismatch.
                drop(fs::remove_file(&path));
            }
        })?;
        if let Some(inspection) = inspection {
            // The bytes would be refused again; an error of the removal would hide the reason.
            inspection.finish().inspect_err(|_| drop(fs::remove_file(&path)))?;
        }
        // While it was a lock as well, other users could not open it.
        let readers = sys::mode_of(&fs::metadata(self.blobs())?) & 0o044;
        let mark = sys::mode_of(&partial.metadata()?) & sys::MARK;
        sys::set_mode(&path, 0o600 | readers | mark)?;
        Ok(self.rename_blob(&partial, &self.blob_path(&blob.digest))?)
    }
}

fn is_mismatch<T>(fetched: &Result<T, ContentError>) -> bool {
    matches!(fetched, Err(ContentError::Mismatch(_)))
}

fn usable_length(partial: &fs::File, blob: &Descriptor) -> io::Result<u64> {
    let length = partial.metadata()?.len();
    Ok(if length <= blob.size { length } else { 0 })
}

/// Keeps the first `resumed` bytes of the file and appends the rest of the content; all of it is verified. Returns the
/// inspection of the content, if there is one, which has received all bytes.
fn fetch<'c>(
    partial: &mut fs::File,
    resumed: u64,
    blob: &Descriptor,
    content: &'c dyn Content,
) -> Result<Option<Box<dyn Inspection + 'c>>, ContentError> {
    let mut readers = Readers::new(content.inspection()?);
    partial.set_len(resumed)?;
    partial.seek(SeekFrom::Start(0))?;
    readers.read_present(partial)?;
    let failed = disk::naming(partial.path().parent().unwrap_or(partial.path()));
    let mut blocks = BlockWriter::sized(partial.file().try_clone()?, resumed, blob.size).map_err(&failed)?;
    let mut rest = content.open_at(resumed)?;
    let read = copy(&mut rest, blob.size - resumed, &mut blocks, &mut readers, &failed);
    // After a failure, too: the next run resumes after the bytes that arrived.
    let written = blocks.finish();
    if read.is_err() || written.is_err() {
        // The space that was reserved for the missing bytes is freed.
        partial.set_len(partial.metadata()?.len())?;
    }
    let read = resumed + read?;
    written.map_err(&failed)?;
    let Readers { hasher, inspection } = readers;
    VerifyingReader::resumed(rest, hasher, read, blob.digest, blob.size).drain()?;
    Ok(inspection)
}

/// The readers of all bytes of a blob: the computation of its digest and an inspection, if there is one.
struct Readers<'c> {
    hasher: Hasher,
    inspection: Option<Box<dyn Inspection + 'c>>,
}

impl<'c> Readers<'c> {
    fn new(mut inspection: Option<Box<dyn Inspection + 'c>>) -> Self {
        let hasher = inspection.as_mut().map_or_else(Hasher::default, |inspection| inspection.hasher());
        Self { hasher, inspection }
    }

    /// Reads what an interrupted attempt left in `partial`.
    fn read_present(&mut self, partial: &mut fs::File) -> io::Result<()> {
        let mut blocks = Blocks::new(PRESENT_BLOCKS);
        loop {
            let mut block = blocks.empty_block();
            let count = partial.read(block.space())?;
            if count == 0 {
                return Ok(());
            }
            block.advance(count);
            self.take(&block.share());
        }
    }

    fn take(&mut self, bytes: &Bytes) {
        self.hasher.update_shared(bytes);
        if let Some(inspection) = &mut self.inspection {
            inspection.take(bytes);
        }
    }
}

/// Copies at most `most` bytes, and returns their number. All readers use the memory that is written to the disk.
fn copy(
    source: &mut dyn Read,
    most: u64,
    blocks: &mut BlockWriter,
    readers: &mut Readers<'_>,
    failed: impl Fn(io::Error) -> io::Error,
) -> io::Result<u64> {
    let mut source = source.take(most);
    let mut copied = 0;
    loop {
        let read = source.read(blocks.space());
        let count = *read.as_ref().unwrap_or(&0);
        copied += count as u64;
        if let Some(full) = blocks.advance(count).map_err(&failed)? {
            readers.take(&full);
        }
        match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(1..) => {}
            end => {
                readers.take(&blocks.end().map_err(&failed)?);
                return end.map(|_| copied);
            }
        }
    }
}
