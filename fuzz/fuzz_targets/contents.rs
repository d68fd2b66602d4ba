//! A table of contents: the input as the compressed table, and the input as its lines.

#![no_main]

use kit_core::contents::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let compressed = zstd::encode_all(data, 1).expect("memory takes every byte");
    for table in [data, &compressed] {
        read(table).into_iter().flatten().for_each(drop);
    }
});
