//! Reads that are repeated when a signal interrupts them, and their buffer sizes.

use std::io::{self, Read};

/// The size of reads and writes. Larger ones are not faster, smaller ones cost system calls: from 64 KiB up, packing 4
/// GiB was limited by SHA-256 at 1.9 GB/s and by the page cache.
pub(super) const BUFFER_BYTES: usize = 1 << 20;

/// Reads at least one byte. Returns 0 at the end.
pub(super) fn read_once(source: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Fills `buffer` as far as `read` returns bytes, and returns the number of bytes.
pub(super) fn fill<E>(buffer: &mut [u8], mut read: impl FnMut(&mut [u8]) -> Result<usize, E>) -> Result<usize, E> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read(&mut buffer[filled..])? {
            0 => break,
            more => filled += more,
        }
    }
    Ok(filled)
}
