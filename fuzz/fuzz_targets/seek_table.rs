//! The seek table at the end of a Zstandard stream. Each frame starts inside the stream.

#![no_main]

use std::io::Cursor;

use kit_core::compression::SeekTable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let size = data.len() as u64;
    if let Ok(Some(table)) = SeekTable::read(&mut Cursor::new(data), size) {
        for position in [0, size, u64::MAX] {
            let frame = table.frame_before(position);
            assert!(frame.compressed <= size && frame.content <= position);
        }
    }
});
