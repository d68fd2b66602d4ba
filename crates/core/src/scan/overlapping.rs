//! Reads a file in parts that overlap, to search it for short texts.

use std::io::{self, Read};

/// The number of bytes that are searched at a time.
const WINDOW_BYTES: usize = 1024 * 1024;

/// Calls `each` with the parts of `source` and their offsets. The last `overlap` bytes of each part are the first ones
/// of the next.
pub(super) fn in_windows(
    source: &mut (impl Read + ?Sized),
    overlap: usize,
    each: &mut dyn FnMut(&[u8], u64),
) -> io::Result<()> {
    let (mut window, mut offset) = (Vec::with_capacity(WINDOW_BYTES), 0);
    loop {
        let wanted = WINDOW_BYTES - window.len();
        let read = Read::take(&mut *source, wanted as u64).read_to_end(&mut window)?;
        if read == 0 && offset > 0 {
            return Ok(());
        }
        each(&window, offset);
        if read < wanted {
            return Ok(());
        }
        let done = window.len() - overlap;
        window.drain(..done);
        offset += done as u64;
    }
}
