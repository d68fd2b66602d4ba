//! Reading that a signal does not disturb, in steps of one size.

use std::io::{self, Read};

/// Read and write size. Larger ones are no faster, smaller ones cost system calls: SHA-256 at 1.9 GB/s and the page cache
/// were the limit from 64 KiB up when 4 GiB were packed.
pub(super) const BUFFER_BYTES: usize = 1 << 20;

/// One read of at least a byte, or 0 at the end.
pub(super) fn read_once(source: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Fills `buffer` as far as `read` gives bytes, and returns how far.
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
