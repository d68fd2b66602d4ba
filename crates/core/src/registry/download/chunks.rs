//! A download as a reader: its chunks, one after the other, cut to the size of the caller's buffer.

use std::io::{self, Read};

use bytes::{Buf, Bytes};

use crate::oci::ContentError;
use crate::registry::error::Error;

/// Chunks of a blob, in order.
pub(super) trait Chunks {
    /// Waits for the next chunk; `None` at the end. Must not be called again after an error.
    fn next(&mut self) -> Result<Option<Bytes>, Error>;
}

pub(super) struct ChunkReader<C> {
    chunks: C,
    /// The rest of the last chunk.
    rest: Bytes,
    has_failed: bool,
}

impl<C: Chunks> ChunkReader<C> {
    pub(super) fn new(chunks: C) -> Self {
        Self { chunks, rest: Bytes::new(), has_failed: false }
    }
}

impl<C: Chunks> Read for ChunkReader<C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.has_failed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        while self.rest.is_empty() {
            match self.chunks.next() {
                Ok(Some(chunk)) => self.rest = chunk,
                Ok(None) => return Ok(0),
                Err(error) => {
                    self.has_failed = true;
                    return Err(ContentError::from(error).into());
                }
            }
        }
        let count = buffer.len().min(self.rest.len());
        self.rest.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
