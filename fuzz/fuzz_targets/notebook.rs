//! A Jupyter notebook.

#![no_main]

use kit_core::draft::Notebook;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| drop(Notebook::read(text)));
