//! The header of a safetensors file, and the summary of its tensors.

#![no_main]

use kit_core::tensors::{Format, Header, Hyperparameters, Summary};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // As a whole file, and as the JSON of a header whose length is right.
    let header = [&(data.len() as u64).to_le_bytes(), data].concat();
    for (file, size) in [(data, None), (data, Some(data.len() as u64)), (&header, None)] {
        if let Ok(header) = Header::read(Format::Safetensors, file, size) {
            drop(Summary::new(Hyperparameters::default(), &[&header]));
        }
    }
});
