//! A notebook, however damaged.

#![no_main]

use std::io::Cursor;

use kit_core::scan::{Rules, scan_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    drop(scan_file(&mut Cursor::new(data), data.len() as u64, "a.ipynb", &Rules::default()));
});
