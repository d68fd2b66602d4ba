//! Blobs: files named by their digest.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::disk::{self, Written};
use super::documents::Document;
use super::error::Error;
use super::layout::Store;
use crate::digest::{DigestWriter, Digesting, Hasher};
use crate::oci::{Content, ContentError, Descriptor, MediaType};
use crate::sys::{self, BlockWriter, TemporaryFile};

/// A blob being written. If it is dropped without being committed, it leaves nothing behind.
pub struct BlobWriter {
    store: Store,
    file: TemporaryFile,
    writer: DigestWriter<BlockWriter>,
}

impl BlobWriter {
    pub(super) fn new(store: &Store, bytes: u64) -> Result<Self, Error> {
        let file = store.temporary_file()?;
        let blocks =
            BlockWriter::sized(file.as_file().try_clone()?, 0, bytes).map_err(disk::naming(&store.ingest()))?;
        Ok(Self { store: store.clone(), file, writer: DigestWriter::new(blocks) })
    }

    /// Moves the blob to its final path and returns the descriptor of the new bytes. This is the only way to store a
    /// blob whose digest is not known beforehand.
    ///
    /// A document `about` the blob is stored, too, in the same wait for the disk.
    pub fn commit(self, media_type: MediaType, about: Option<Document<'_>>) -> Result<Committed, ContentError> {
        let (blocks, digest, size) = self.writer.finish();
        blocks.finish().map_err(disk::naming(&self.store.ingest()))?;
        let descriptor = Descriptor::new(media_type, digest, size);
        let was_there = self.store.has_blob(&descriptor)?;
        let blob = Written { file: self.file, place: self.store.blob_path(&digest) };
        let mut written = if was_there { Vec::new() } else { vec![blob] };
        if let Some(document) = about {
            written.extend(self.store.write_document(&document)?);
        }
        disk::place(written)?;
        Ok(Committed { descriptor, was_there })
    }
}

impl Digesting for BlobWriter {
    fn hasher(&mut self) -> &mut Hasher {
        self.writer.hasher()
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
        self.writer.write(buffer).map_err(disk::naming(&self.store.ingest()))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The content of a blob file.
pub(super) struct FileContent {
    pub(super) path: PathBuf,
}

impl Content for FileContent {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        Ok(Box::new(open_blob(&self.path, offset)?))
    }
}

/// Opens the blob file `path` at `offset`.
pub(super) fn open_blob(path: &Path, offset: u64) -> Result<fs::File, ContentError> {
    let mut file = match sys::open_regular(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            return Err(ContentError::NotFound(format!("sha256:{name}")));
        }
        Err(error) => return Err(error.into()),
    };
    if offset > 0 {
        file.seek(SeekFrom::Start(offset))?;
    }
    Ok(file)
}
