//! Content from a stream, kept so that it can be read at any place: small content in memory, and larger content in a
//! temporary file without a name.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// The size up to which content is kept in memory. Several files are scanned at the same time.
const IN_MEMORY_BYTES: u64 = 4 * 1024 * 1024;

/// The content of a stream.
pub(super) enum Spool {
    Memory(Cursor<Vec<u8>>),
    File(File),
}

impl Spool {
    /// Reads all of `reader`. A temporary file is created in `scratch`.
    pub(super) fn of(reader: &mut dyn Read, scratch: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        reader.take(IN_MEMORY_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 <= IN_MEMORY_BYTES {
            return Ok(Self::Memory(Cursor::new(bytes)));
        }
        let mut file = tempfile::tempfile_in(scratch)?;
        io::copy(&mut bytes.as_slice().chain(reader), &mut file)?;
        file.rewind()?;
        Ok(Self::File(file))
    }

    /// Returns true if content of `size` bytes is kept in memory.
    pub(super) fn is_in_memory(size: u64) -> bool {
        size <= IN_MEMORY_BYTES
    }

    /// The number of bytes.
    pub(super) fn size(&self) -> io::Result<u64> {
        match self {
            Self::Memory(bytes) => Ok(bytes.get_ref().len() as u64),
            Self::File(file) => file.metadata().map(|metadata| metadata.len()),
        }
    }
}

impl Read for Spool {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => bytes.read(buffer),
            Self::File(file) => file.read(buffer),
        }
    }
}

impl Seek for Spool {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Memory(bytes) => bytes.seek(to),
            Self::File(file) => file.seek(to),
        }
    }
}
