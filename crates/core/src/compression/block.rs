//! A block of input, and what a format has to say to be compressed block by block.

use std::io;

/// A format whose stream is a head, blocks that are compressed independently, and a tail.
pub(super) trait Format: Send {
    /// The sizes of its blocks.
    fn shape(&self) -> Shape;
    /// What stands in front of the first block.
    fn head(&self) -> &[u8];
    /// Something that compresses blocks; every thread has its own.
    fn compressor(&self) -> io::Result<Box<dyn Compressor>>;
    /// Takes notice of the next `block` of the stream, compressed.
    fn count(&mut self, block: &Block) -> io::Result<()>;
    /// What stands behind the last block.
    fn tail(&self) -> io::Result<Vec<u8>>;
}

/// Compresses one block after the other.
pub(super) trait Compressor: Send {
    /// Appends to `compressed` what becomes of `content`, in front of which `history` stands.
    fn compress(&mut self, history: &[u8], content: &[u8], compressed: &mut Vec<u8>) -> io::Result<()>;
}

/// How large the blocks of a format are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Of every block but the last, which is smaller. It is empty only if the whole input is.
    pub(super) block_bytes: usize,
    /// How much of what stands in front of a block it is compressed with.
    pub(super) history_bytes: usize,
}

impl Shape {
    /// What a thread takes, roughly: input and output of the block that it has, and the tables to find repetitions with.
    pub(super) fn memory_bytes(self) -> usize {
        3 * self.block_bytes
    }
}

/// Some input, and once a [`Compressor`] has had it also its output. Blocks are used again, so that their memory is.
#[derive(Debug)]
pub(super) struct Block {
    shape: Shape,
    /// The history, then the content.
    input: Vec<u8>,
    content_from: usize,
    compressed: Vec<u8>,
}

impl Block {
    /// The first block of a stream, still empty.
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

    /// Takes as much of `bytes` as there is space for, and returns how much that was.
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

    /// What became of the content.
    pub(super) fn compressed(&self) -> &[u8] {
        &self.compressed
    }
}
