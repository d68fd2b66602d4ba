//! Reading that a signal does not disturb, in steps of one size.

use std::io::{self, Read};

/// Read and write size. Larger ones are no faster, smaller ones cost system calls: SHA-256 at 1.9 GB/s and the page cache
/// were the limit from 64 KiB up when 4 GiB were packed.
pub(super) const BUFFER_BYTES: usize = 1 << 20;

/// Read and write size of parts of files that go through the page cache. Linux takes larger folios for larger writes, and on a virtual machine
/// whose host takes free memory back those are slow to come by. Hashing and copying 2 GiB with two threads in writes of 16, 32, 64, 128, 256 KiB and
/// 1 MiB took 0.80, 0.64, 0.58, 0.65, 0.6 to 2.6 and 3.2 s, medians of three, beside `cp` with 0.6 to 0.9 s.
pub(super) const CACHED_BYTES: usize = 64 * 1024;

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
