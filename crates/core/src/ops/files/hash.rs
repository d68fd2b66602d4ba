//! Computing the digest of a reader.

use std::io::{self, Read};

use crate::digest::{Digest, Hasher};
use crate::progress::Task;

/// The size of a read, as in `archive`.
pub(crate) const BUFFER_BYTES: usize = 1 << 20;

/// Returns a buffer for reading content of `size` bytes, if the size is known; at most [`BUFFER_BYTES`].
pub(crate) fn buffer(size: Option<u64>) -> Vec<u8> {
    let wanted = size.and_then(|size| usize::try_from(size).ok());
    vec![0; wanted.map_or(BUFFER_BYTES, |size| size.saturating_add(1).min(BUFFER_BYTES))]
}

/// Returns the digest and the size of the bytes of `reader`, read through `buffer`.
pub(crate) fn digest(reader: &mut dyn Read, buffer: &mut [u8], task: &dyn Task) -> io::Result<(Digest, u64)> {
    let mut hasher = Hasher::default();
    let mut size = 0;
    loop {
        match reader.read(buffer) {
            Ok(0) => return Ok((hasher.finish(), size)),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                task.advance(read as u64);
                size += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
