//! gzip as one member, whose deflate stream is compressed in blocks.
//!
//! Each block is compressed with the end of the previous one as its dictionary and ends at a byte boundary with an
//! empty stored block, so that blocks can be concatenated (as pigz does). One member per block would be simpler, but
//! some readers stop after the first member, and every member would start without history.

use std::io;

use flate2::{Compress, Crc, FlushCompress, Status};

use super::block::{Block, Compressor, Format, Shape};

/// RFC 1952, 2.3: magic number, deflate, no flags, no time. Two bytes follow, the extra flags and the system.
const HEAD: [u8; 8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0];
/// The extra flags for the fastest level (RFC 1952, 2.3.1), the first byte after [`HEAD`].
const FASTEST: u8 = 4;
/// "Unknown operating system" (RFC 1952, 2.3.1), so that the bytes do not depend on the system that wrote them.
const UNKNOWN_SYSTEM: u8 = 255;
/// The last block of a deflate stream, empty: fixed codes, end of block (RFC 1951, 3.2.3).
const LAST_BLOCK: [u8; 2] = [3, 0];

/// The size of the deflate window.
const HISTORY_BYTES: usize = 32 * 1024;
/// Twice the block size of pigz.
const BLOCK_BYTES: usize = 256 * 1024;

/// The state of one stream.
pub(super) struct Gzip {
    level: u32,
    head: [u8; 10],
    /// The checksum and the length of all content so far.
    crc: Crc,
}

impl Gzip {
    pub(super) fn new(level: u32) -> Self {
        let mut head = [0; 10];
        head[..8].copy_from_slice(&HEAD);
        head[8] = if level == 1 { FASTEST } else { 0 };
        head[9] = UNKNOWN_SYSTEM;
        Self { level, head, crc: Crc::new() }
    }
}

impl Format for Gzip {
    fn shape(&self) -> Shape {
        Shape { block_bytes: BLOCK_BYTES, history_bytes: HISTORY_BYTES }
    }

    fn head(&self) -> &[u8] {
        &self.head
    }

    fn compressor(&self) -> io::Result<Box<dyn Compressor>> {
        Ok(Box::new(Deflate { level: flate2::Compression::new(self.level) }))
    }

    fn count(&mut self, block: &Block) -> io::Result<()> {
        self.crc.update(block.content());
        Ok(())
    }

    fn tail(&self) -> io::Result<Vec<u8>> {
        let (checksum, size) = (self.crc.sum().to_le_bytes(), self.crc.amount().to_le_bytes());
        Ok([&LAST_BLOCK[..], &checksum, &size].concat())
    }
}

struct Deflate {
    level: flate2::Compression,
}

impl Compressor for Deflate {
    fn compress(&mut self, history: &[u8], content: &[u8], compressed: &mut Vec<u8>) -> io::Result<()> {
        // A compressor that is reset is not used: at level 1 of zlib-rs 0.6.8 it writes other bytes than a new one.
        let mut deflate = Compress::new(self.level, false);
        if !history.is_empty() {
            deflate.set_dictionary(history)?;
        }
        compressed.reserve(bound(content.len()));
        let status = deflate.compress_vec(content, compressed, FlushCompress::Sync)?;
        // Everything has been written only if there is space left.
        if status != Status::Ok || compressed.len() == compressed.capacity() {
            return Err(io::Error::other("deflate produced more bytes than its upper bound"));
        }
        Ok(())
    }
}

/// An upper bound of the bytes that deflate makes of `size` bytes. At worst a literal takes nine bits, with the fixed
/// codes that level 1 uses.
fn bound(size: usize) -> usize {
    size + size / 8 + 1024
}
