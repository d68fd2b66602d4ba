//! Computes digests while bytes are written.

use std::io::{self, Write};

use super::hasher::Hasher;
use super::name::Digest;

/// A writer that computes the digest of the bytes written to it, and of parts of them.
pub trait Digesting: Write {
    /// The computation over everything that was written.
    fn hasher(&mut self) -> &mut Hasher;
}

/// Passes bytes on to another writer and computes their digest and count.
pub struct DigestWriter<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> DigestWriter<W> {
    /// Creates a writer in front of `inner` that has counted nothing yet.
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::default(), size: 0 }
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
    fn hasher(&mut self) -> &mut Hasher {
        &mut self.hasher
    }
}

impl<D: Digesting> Digesting for &mut D {
    fn hasher(&mut self) -> &mut Hasher {
        (**self).hasher()
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
