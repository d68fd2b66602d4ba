//! A block of input, and the interface of formats that are compressed block by block.

use std::io;

/// A format whose stream is a head, blocks that are compressed independently, and a tail.
pub(super) trait Format: Send {
    /// Returns the sizes of its blocks.
    fn shape(&self) -> Shape;
    /// Returns the bytes in front of the first block.
    fn head(&self) -> &[u8];
    /// Returns a compressor of blocks; every thread has its own.
    fn compressor(&self) -> io::Result<Box<dyn Compressor>>;
    /// Records the next `block` of the stream, which has been compressed.
    fn count(&mut self, block: &Block) -> io::Result<()>;
    /// Returns the bytes after the last block.
    fn tail(&self) -> io::Result<Vec<u8>>;
}

/// Compresses one block after another.
pub(super) trait Compressor: Send {
    /// Appends the compressed form of `content` to `compressed`; `history` is the input directly before `content`.
    fn compress(&mut self, history: &[u8], content: &[u8], compressed: &mut Vec<u8>) -> io::Result<()>;
}

/// The sizes of the blocks of a format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// The size of every block except the last, which may be smaller. A block is empty only if the whole input is.
    pub(super) block_bytes: usize,
    /// The number of bytes before a block that its compression refers to.
    pub(super) history_bytes: usize,
}

impl Shape {
    /// The approximate memory of one thread: input and output of its block, and the tables for finding repetitions.
    pub(super) fn memory_bytes(self) -> usize {
        3 * self.block_bytes
    }
}

/// A block of input and, after a [`Compressor`] has run, its output. Blocks are reused, and so is their memory.
#[derive(Debug)]
pub(super) struct Block {
    shape: Shape,
    /// The history, then the content.
    input: Vec<u8>,
    content_from: usize,
    compressed: Vec<u8>,
}

impl Block {
    /// Creates the first block of a stream, still empty.
    pub(super) fn new(shape: Shape) -> Self {
        let input = Vec::with_capacity(shape.history_bytes + shape.block_bytes);
        Self { shape, input, content_from: 0, compressed: Vec::new() }
    }

    /// Empties the block to become the one that follows `previous`.
    pub(super) fn restart_after(&mut self, previous: &Self) {
        let history = &previous.input[previous.input.len().saturating_sub(self.shape.history_bytes)..];
        self.input.clear();
        self.input.extend_from_slice(history);
        self.content_from = history.len();
        self.compressed.clear();
    }

    /// Takes as much of `bytes` as fits, and returns how many bytes it took.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.shape.block_bytes - self.content().len());
        self.input.extend_from_slice(&bytes[..count]);
        count
    }

    pub(super) fn is_full(&self) -> bool {
        self.content().len() == self.shape.block_bytes
    }

    pub(super) fn compress_with(&mut self, compressor: &mut dyn Compressor) -> io::Result<()> {
        let (history, content) = self.input.split_at(self.content_from);
        compressor.compress(history, content, &mut self.compressed)
    }

    pub(super) fn content(&self) -> &[u8] {
        &self.input[self.content_from..]
    }

    /// The compressed form of the content.
    pub(super) fn compressed(&self) -> &[u8] {
        &self.compressed
    }
}
