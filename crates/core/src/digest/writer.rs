//! Computes digests while bytes are written.

use std::io::{self, Write};

use super::hasher::{Hasher, PartDigests};
use super::name::Digest;
use crate::blocks::BLOCK_BYTES;

/// A writer that computes the digest of the bytes written to it, and of parts of them.
pub trait Digesting: Write {
    /// Returns the receiver of the digests of parts. Must be called before the first part begins.
    fn parts(&mut self) -> PartDigests;

    /// Begins a part with the next byte, or ends the current one.
    fn bound(&mut self);

    /// Hashes all bytes that were written, so that the digests of all ended parts are delivered. Must be called last.
    fn settle(&mut self) -> io::Result<()>;

    /// Writes the bytes that `read` puts into memory of this writer, and returns their number: one copy less than
    /// [`write`](Write::write) needs.
    fn write_from(&mut self, read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<usize>;
}

/// Passes bytes on to another writer and computes their digest and count.
pub struct DigestWriter<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
    buffer: Vec<u8>,
}

impl<W: Write> DigestWriter<W> {
    /// Creates a writer in front of `inner` that has counted nothing yet.
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::default(), size: 0, buffer: Vec::new() }
    }

    /// Returns the inner writer, and the digest and number of the bytes that it accepted.
    pub fn finish(self) -> (W, Digest, u64) {
        (self.inner, self.hasher.finish(), self.size)
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write> Digesting for DigestWriter<W> {
    fn parts(&mut self) -> PartDigests {
        self.hasher.parts()
    }

    fn bound(&mut self) {
        self.hasher.bound();
    }

    fn settle(&mut self) -> io::Result<()> {
        self.hasher.settle();
        Ok(())
    }

    fn write_from(&mut self, read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(BLOCK_BYTES, 0);
        let written = read(&mut buffer).and_then(|count| self.write_all(&buffer[..count]).map(|()| count));
        self.buffer = buffer;
        written
    }
}

impl<D: Digesting> Digesting for &mut D {
    fn parts(&mut self) -> PartDigests {
        (**self).parts()
    }

    fn bound(&mut self) {
        (**self).bound();
    }

    fn settle(&mut self) -> io::Result<()> {
        (**self).settle()
    }

    fn write_from(&mut self, read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        (**self).write_from(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_writer_returns_the_digest_of_the_written_bytes() {
        let mut writer = DigestWriter::new(Vec::new());
        writer.write_all(b"hello").unwrap();
        assert_eq!(writer.finish(), (b"hello".to_vec(), Digest::of(b"hello"), 5));
    }
}
