//! The header of a GGUF file, with and without a known file size, and the estimates made from it.

#![no_main]

use kit_core::tensors::{Format, Header, Hyperparameters, Summary};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for size in [None, Some(data.len() as u64)] {
        if let Ok(header) = Header::read(Format::Gguf, data, size) {
            drop(Summary::new(Hyperparameters::of_gguf(&header.metadata), &[&header]));
        }
    }
});
