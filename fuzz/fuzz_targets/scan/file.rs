//! A file of any format. The first byte selects its name.

#![no_main]

use std::io::Cursor;

use kit_core::scan::{Rules, scan_file};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 12] = [
    "a",
    "a.bin",
    "a.joblib",
    "a.npy",
    "a.safetensors",
    "a.gguf",
    "a.h5",
    "a.keras",
    "saved_model.pb",
    "a.ipynb",
    "a.jinja",
    "tokenizer_config.json",
];

fuzz_target!(|data: &[u8]| {
    let Some((name, file)) = data.split_first() else { return };
    let name = NAMES[usize::from(*name) % NAMES.len()];
    drop(scan_file(&mut Cursor::new(file), file.len() as u64, name, &Rules::default()));
});
