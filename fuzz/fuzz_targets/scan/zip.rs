//! An archive whose end record leads to its central directory, however damaged the rest is.

#![no_main]

use std::io::Cursor;

use kit_core::scan::{Rules, scan_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // The last four bytes are the offset, the size and the number of entries, so that a directory is found often.
    let Some((archive, &[low, high, size, count])) = data.split_last_chunk::<4>() else { return };
    let counts = [count, 0, count, 0, size, 0, 0, 0, low, high, 0, 0, 0, 0];
    let file = [archive, b"PK\x05\x06\0\0\0\0", &counts].concat();
    drop(scan_file(&mut Cursor::new(&file), file.len() as u64, "a.pt", &Rules::default()));
});
