//! The files of a model folder that name other files of it, and a text that may be a model itself.

#![no_main]

use kit_core::draft::{ModelFormat, base_model, component_folders, module_folders, own_code, relative_imports};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    drop((module_folders(text), component_folders(text), own_code(text), relative_imports(text)));
    drop((base_model(text), ModelFormat::of_text(text.as_bytes())));
});
