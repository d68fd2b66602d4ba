//! Blobs: files named by their digest.

use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use fs_err as fs;

use super::{Error, Store};
use crate::digest::DigestWriter;
use crate::oci::{Content, ContentError, Descriptor, MediaType};

/// Small writes are gathered to this many bytes before they are hashed and written.
const BUFFER_BYTES: usize = 1024 * 1024;

/// A blob being written. Unless it is committed, dropping it leaves nothing behind.
pub struct BlobWriter {
    store: Store,
    writer: BufWriter<DigestWriter<tempfile::NamedTempFile>>,
}

impl BlobWriter {
    pub(super) fn new(store: &Store) -> Result<Self, Error> {
        let file = DigestWriter::new(store.temporary_file()?);
        Ok(Self { store: store.clone(), writer: BufWriter::with_capacity(BUFFER_BYTES, file) })
    }

    /// Puts the blob in its place: the only way to the descriptor of new bytes. Equal content that is there is replaced by
    /// its equal, which mends it if it was damaged.
    pub fn commit(self, media_type: MediaType) -> Result<Descriptor, Error> {
        let (file, digest, size) = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?.finish();
        file.as_file().sync_data()?;
        file.persist(self.store.blob_path(&digest)).map_err(|error| error.error)?;
        Ok(Descriptor::new(media_type, digest, size))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.writer.write(buffer)
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
        let mut file = match fs::File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let name = self.path.file_name().unwrap_or_default().to_string_lossy();
                return Err(ContentError::NotFound(format!("sha256:{name}")));
            }
            Err(error) => return Err(error.into()),
        };
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::new(file))
    }
}
