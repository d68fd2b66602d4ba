//! Blocks of bytes that are filled once, read by several threads without a copy, and then filled again.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// The size of a block: large enough for the full speed of every disk, and a multiple of its block size.
pub const BLOCK_BYTES: usize = 1024 * 1024;

/// The alignment of the memory of a block, which writing past the page cache requires.
const ALIGNMENT: usize = 4096;

/// Memory of supplies that are gone, for new supplies. Allocators keep freed memory of this size in pieces that belong
/// to threads: without the reuse, the process would grow with the number of layers.
static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

fn spare() -> MutexGuard<'static, Vec<Vec<u8>>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A supply of blocks. A block returns to it when the last reader drops it.
#[derive(Debug)]
pub struct Blocks {
    empty: Receiver<Vec<u8>>,
    home: Sender<Vec<u8>>,
    /// The number of blocks that may still be allocated.
    left: usize,
}

impl Blocks {
    /// Creates a supply of at most `most` blocks, which are allocated when they are needed.
    pub fn new(most: usize) -> Self {
        let (home, empty) = channel();
        Self { empty, home, left: most }
    }

    /// Returns an empty block, or none if all of them are in use.
    fn try_next(&mut self) -> Option<Block> {
        let memory = self.empty.try_recv().ok().or_else(|| {
            self.left = self.left.checked_sub(1)?;
            Some(spare().pop().unwrap_or_else(|| vec![0; BLOCK_BYTES + ALIGNMENT]))
        })?;
        Some(Block::new(memory, self.home.clone()))
    }

    /// Returns an empty block; waits until one is free.
    pub fn empty_block(&mut self) -> Block {
        self.try_next().unwrap_or_else(|| {
            let memory = self.empty.recv().expect("the supply itself holds a sender");
            Block::new(memory, self.home.clone())
        })
    }
}

/// A block that is being filled.
#[derive(Debug)]
pub struct Block {
    memory: Memory,
    capacity: usize,
}

/// The memory of a block, which returns to its supply.
#[derive(Debug)]
struct Memory {
    bytes: Vec<u8>,
    start: usize,
    filled: usize,
    home: Sender<Vec<u8>>,
}

impl Block {
    fn new(bytes: Vec<u8>, home: Sender<Vec<u8>>) -> Self {
        let start = bytes.as_ptr().align_offset(ALIGNMENT);
        Self { memory: Memory { bytes, start, filled: 0, home }, capacity: BLOCK_BYTES }
    }

    /// Limits the block so that it ends at a multiple of [`BLOCK_BYTES`] if it begins at `offset`: the blocks after it
    /// are aligned in a file.
    #[must_use]
    pub fn ending_aligned(mut self, offset: u64) -> Self {
        let past = usize::try_from(offset % BLOCK_BYTES as u64).unwrap_or_default();
        self.capacity = BLOCK_BYTES - past;
        self
    }

    /// Returns the memory that is not filled yet.
    pub fn space(&mut self) -> &mut [u8] {
        let Memory { bytes, start, filled, .. } = &mut self.memory;
        &mut bytes[*start + *filled..*start + self.capacity]
    }

    /// Counts the first `count` bytes of [`space`](Self::space) as filled.
    pub fn advance(&mut self, count: usize) {
        self.memory.filled += count.min(self.capacity - self.memory.filled);
    }

    /// Copies as many of `bytes` as fit, and returns their number.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let space = self.space();
        let count = bytes.len().min(space.len());
        space[..count].copy_from_slice(&bytes[..count]);
        self.advance(count);
        count
    }

    pub fn is_empty(&self) -> bool {
        self.memory.filled == 0
    }

    pub fn is_full(&self) -> bool {
        self.memory.filled == self.capacity
    }

    /// The filled bytes, for any number of readers.
    pub fn share(self) -> Bytes {
        Bytes::from_owner(self.memory)
    }
}

impl AsRef<[u8]> for Memory {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.start..self.start + self.filled]
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Err(returned) = self.home.send(std::mem::take(&mut self.bytes)) {
            spare().push(returned.0);
        }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        spare().extend(self.empty.try_iter());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_returns_to_its_supply_when_its_last_reader_drops_it() {
        let mut blocks = Blocks::new(1);
        let mut block = blocks.empty_block();
        assert_eq!(block.take(b"abc"), 3);
        assert!(blocks.try_next().is_none());
        let (one, other) = {
            let shared = block.share();
            (shared.clone(), shared.slice(1..))
        };
        assert_eq!((&one[..], &other[..]), (&b"abc"[..], &b"bc"[..]));
        drop(one);
        assert!(blocks.try_next().is_none());
        drop(other);
        assert!(blocks.empty_block().is_empty());
    }

    #[test]
    fn a_block_may_end_at_a_multiple_of_its_size() {
        let mut blocks = Blocks::new(2);
        let mut block = blocks.empty_block().ending_aligned(3 * BLOCK_BYTES as u64 + 5);
        assert_eq!(block.take(&vec![1; BLOCK_BYTES]), BLOCK_BYTES - 5);
        assert!(block.is_full() && block.space().is_empty());
        let block = blocks.empty_block().ending_aligned(BLOCK_BYTES as u64);
        assert_eq!(block.capacity, BLOCK_BYTES);
        assert_eq!(block.share().as_ptr().align_offset(ALIGNMENT), 0);
    }
}
