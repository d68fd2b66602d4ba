//! The search for code in an HDF5 file, and the configuration of a Keras archive.

#![no_main]

use std::io::Cursor;

use kit_core::scan::{Rules, scan_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let file = [b"\x89HDF\r\n\x1a\n", data].concat();
    drop(scan_file(&mut Cursor::new(&file), file.len() as u64, "a.h5", &Rules::default()));
    drop(scan_file(&mut Cursor::new(data), data.len() as u64, "a.keras", &Rules::default()));
});
