//! A chat template, as a file and in the configuration of a tokenizer.

#![no_main]

use std::io::Cursor;

use kit_core::scan::{Rules, scan_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for name in ["chat_template.jinja", "tokenizer_config.json", "processor_config.json", "config.json"] {
        drop(scan_file(&mut Cursor::new(data), data.len() as u64, name, &Rules::default()));
    }
});
