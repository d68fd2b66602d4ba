//! Verifies bytes while they are read.

use std::io::{self, Read};

use bytes::Bytes;

use super::hasher::Hasher;
use super::name::Digest;
use crate::blocks::{Block, Blocks};

/// Content that does not match its descriptor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The bytes have another digest.
    #[error("the content does not match its digest: expected {expected}, found {found}")]
    Digest {
        /// The digest in the descriptor.
        expected: Digest,
        /// The digest of the bytes.
        found: Digest,
    },
    /// The bytes end too early.
    #[error("the content of {digest} ends after {found} bytes; its descriptor says {expected}")]
    TooShort {
        /// The digest in the descriptor.
        digest: Digest,
        /// The size in the descriptor, in bytes.
        expected: u64,
        /// The number of bytes that were read.
        found: u64,
    },
    /// There are more bytes than the descriptor says; the rest was not read.
    #[error("the content of {digest} is longer than the {expected} bytes that its descriptor says")]
    TooLong {
        /// The digest in the descriptor.
        digest: Digest,
        /// The size in the descriptor, in bytes.
        expected: u64,
    },
}

impl Mismatch {
    /// Returns the `Mismatch` that `error` was created from, if any.
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<Mismatch> for io::Error {
    fn from(mismatch: Mismatch) -> Self {
        Self::new(io::ErrorKind::InvalidData, mismatch)
    }
}

/// Passes bytes on and returns a [`Mismatch`] instead of the end when size or digest are not the expected ones.
///
/// Bytes that were read before the end are not verified yet: only a reader that returned `Ok(0)` has verified them.
pub struct VerifyingReader<R> {
    inner: R,
    hasher: Option<Hasher>,
    expected: Digest,
    size: u64,
    read: u64,
    tee: Option<Tee>,
}

/// Another receiver of the bytes, which shares the memory with the hasher.
struct Tee {
    blocks: Blocks,
    block: Option<Block>,
    receive: Box<dyn FnMut(Bytes) + Send>,
}

impl Tee {
    fn take(&mut self, mut bytes: &[u8], hasher: &mut Hasher) {
        while !bytes.is_empty() {
            let block = self.block.get_or_insert_with(|| self.blocks.empty_block());
            let taken = block.take(bytes);
            bytes = &bytes[taken..];
            if block.is_full() {
                self.pass_on(hasher);
            }
        }
    }

    fn pass_on(&mut self, hasher: &mut Hasher) {
        if let Some(block) = self.block.take() {
            let bytes = block.share();
            hasher.update_shared(&bytes);
            (self.receive)(bytes);
        }
    }
}

/// The number of blocks for a second receiver. More are not faster.
const TEE_BLOCKS: usize = 4;

impl<R: Read> VerifyingReader<R> {
    /// Expects `size` bytes whose digest is `expected`.
    pub fn new(inner: R, expected: Digest, size: u64) -> Self {
        Self::resumed(inner, Hasher::default(), 0, expected, size)
    }

    /// Like [`new`](Self::new), but `hasher` has already taken the first `read` bytes and `inner` starts after them.
    pub fn resumed(inner: R, hasher: Hasher, read: u64, expected: Digest, size: u64) -> Self {
        Self { inner, hasher: Some(hasher), expected, size, read, tee: None }
    }

    /// Passes all bytes to `receive` as well, in blocks; the last ones before the end is returned.
    #[must_use]
    pub fn passing_to(mut self, receive: impl FnMut(Bytes) + Send + 'static) -> Self {
        self.tee = Some(Tee { blocks: Blocks::new(TEE_BLOCKS), block: None, receive: Box::new(receive) });
        self
    }

    /// Reads and discards the remaining bytes, so that all of the content is verified.
    pub fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }

    fn finish(&mut self) -> Result<(), Mismatch> {
        let Some(mut hasher) = self.hasher.take() else { return Ok(()) };
        if let Some(tee) = &mut self.tee {
            tee.pass_on(&mut hasher);
        }
        if self.read < self.size {
            return Err(Mismatch::TooShort { digest: self.expected, expected: self.size, found: self.read });
        }
        let found = hasher.finish();
        if found != self.expected {
            return Err(Mismatch::Digest { expected: self.expected, found });
        }
        Ok(())
    }
}

impl<R: Read> Read for VerifyingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = self.inner.read(buffer)?;
        if read == 0 {
            self.finish()?;
            return Ok(0);
        }
        self.read += read as u64;
        if self.read > self.size {
            return Err(Mismatch::TooLong { digest: self.expected, expected: self.size }.into());
        }
        match (&mut self.hasher, &mut self.tee) {
            (Some(hasher), Some(tee)) => tee.take(&buffer[..read], hasher),
            (Some(hasher), None) => hasher.update(&buffer[..read]),
            (None, _) => {}
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &[u8], expected: &[u8]) -> Result<Vec<u8>, Mismatch> {
        let mut read = Vec::new();
        let mut reader = VerifyingReader::new(content, Digest::of(expected), expected.len() as u64);
        match reader.read_to_end(&mut read) {
            Ok(_) => Ok(read),
            Err(error) => Err(Mismatch::in_io(&error).unwrap().clone()),
        }
    }

    #[test]
    fn a_second_receiver_gets_all_bytes_before_the_end_is_returned() {
        let content: Vec<u8> = (0..3_000_007_u32).map(|number| (number / 5).to_le_bytes()[0]).collect();
        let (sender, receiver) = std::sync::mpsc::channel();
        let mut reader = VerifyingReader::new(&content[..], Digest::of(&content), content.len() as u64)
            .passing_to(move |bytes| sender.send(bytes.to_vec()).unwrap());
        reader.drain().unwrap();
        assert!(receiver.try_iter().flatten().eq(content));
    }

    #[test]
    fn a_verifying_reader_passes_only_what_was_promised() {
        assert_eq!(check(b"hello", b"hello"), Ok(b"hello".to_vec()));
        assert!(matches!(check(b"hellO", b"hello"), Err(Mismatch::Digest { .. })));
        assert!(matches!(check(b"hell", b"hello"), Err(Mismatch::TooShort { expected: 5, found: 4, .. })));
        assert!(matches!(check(b"hello!", b"hello"), Err(Mismatch::TooLong { expected: 5, .. })));
        assert_eq!(check(b"", b""), Ok(Vec::new()));
    }

    proptest::proptest! {
        #[test]
        fn chunking_changes_neither_bytes_nor_verdict(content: Vec<u8>, chunk in 1usize..70) {
            let mut reader = VerifyingReader::new(&content[..], Digest::of(&content), content.len() as u64);
            let mut read = Vec::new();
            let mut buffer = vec![0; chunk];
            loop {
                match reader.read(&mut buffer).unwrap() {
                    0 => break,
                    count => read.extend_from_slice(&buffer[..count]),
                }
            }
            assert_eq!(read, content);
        }
    }
}
