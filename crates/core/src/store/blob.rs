//! Blobs: files named by their digest.

use std::io::{self, Read, Seek, SeekFrom, Write};

use fs_err as fs;

use super::documents::Document;
use super::durability::{Written, disk};
use super::error::Error;
use super::layout::Store;
use crate::digest::{Digest, Digesting, Hasher, PartDigests};
use crate::oci::{Content, ContentError, Descriptor, MediaType};
use crate::sys::{self, BlockWriter, TemporaryFile};

/// A blob being written. If it is dropped without being committed, it leaves nothing behind.
pub struct BlobWriter {
    store: Store,
    file: TemporaryFile,
    blocks: BlockWriter,
    /// Takes each block when it is full.
    hasher: Hasher,
    /// The number of bytes that were written.
    size: u64,
}

impl BlobWriter {
    pub(super) fn new(store: &Store, bytes: u64) -> Result<Self, Error> {
        let file = store.pending_file()?;
        let blocks =
            BlockWriter::sized(file.as_file().try_clone()?, 0, bytes).map_err(disk::naming(&store.ingest()))?;
        Ok(Self { store: store.clone(), file, blocks, hasher: Hasher::default(), size: 0 })
    }

    /// Moves the blob to its final path and returns the descriptor of the new bytes. This is the only way to store a
    /// blob whose digest is not known beforehand.
    ///
    /// A document `about` the blob is stored, too, in the same wait for the disk.
    pub fn commit(mut self, media_type: MediaType, about: Option<Document<'_>>) -> Result<Committed, ContentError> {
        self.settle()?;
        self.blocks.finish().map_err(disk::naming(&self.store.ingest()))?;
        let digest = self.hasher.finish();
        let descriptor = Descriptor::new(media_type, digest, self.size);
        let was_there = self.store.has_blob(&descriptor)?;
        let blob = Written { file: self.file, place: self.store.blob_path(&digest) };
        let mut written = if was_there { Vec::new() } else { vec![blob] };
        if let Some(document) = about {
            written.extend(self.store.write_document(&document)?);
        }
        self.store.place(written)?;
        Ok(Committed { descriptor, was_there })
    }
}

impl BlobWriter {
    /// Counts the next `count` bytes in the memory of the block writer as written.
    fn advance(&mut self, count: usize) -> io::Result<()> {
        self.size += count as u64;
        let full = self.blocks.advance(count).map_err(|error| disk::naming(&self.store.ingest())(error))?;
        if let Some(full) = full {
            self.hasher.update_shared(&full);
        }
        Ok(())
    }
}

impl Digesting for BlobWriter {
    fn parts(&mut self) -> PartDigests {
        self.hasher.parts()
    }

    fn bound(&mut self) {
        self.hasher.plan_bounds([self.size]);
    }

    fn settle(&mut self) -> io::Result<()> {
        let rest = self.blocks.end().map_err(disk::naming(&self.store.ingest()))?;
        self.hasher.update_shared(&rest);
        self.hasher.settle();
        Ok(())
    }

    fn write_from(&mut self, read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        let count = read(self.blocks.space())?;
        self.advance(count)?;
        Ok(count)
    }
}

/// A blob at its final path.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The descriptor of the blob.
    pub descriptor: Descriptor,
    /// True if the store already had the blob.
    pub was_there: bool,
}

impl Write for BlobWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let mut rest = buffer;
        self.write_from(&mut |space| rest.read(space))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The content of a blob file.
pub(super) struct FileContent {
    pub(super) store: Store,
    pub(super) digest: Digest,
}

impl Content for FileContent {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        Ok(Box::new(self.store.open_blob(&self.digest, offset)?))
    }
}

impl Store {
    /// Opens the file of a blob at `offset`.
    pub(super) fn open_blob(&self, blob: &Digest, offset: u64) -> Result<fs::File, ContentError> {
        let mut file = match sys::open_regular(&self.blob_path(blob)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(not_found(blob)),
            Err(error) => return Err(error.into()),
        };
        if !self.confirm(blob, &file.metadata()?)? {
            return Err(not_found(blob));
        }
        if offset > 0 {
            file.seek(SeekFrom::Start(offset))?;
        }
        Ok(file)
    }
}

fn not_found(blob: &Digest) -> ContentError {
    ContentError::NotFound(blob.to_string())
}
