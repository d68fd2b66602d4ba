//! An ONNX model whose files of external data are looked for.

#![no_main]

use std::io::Cursor;

use kit_core::tensors::onnx_external_files;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| drop(onnx_external_files(&mut Cursor::new(data), data.len() as u64)));
