//! A Jupyter notebook: its facts, its modules, and its text without outputs.

#![no_main]

use kit_core::notebook::{Document, Facts, extract, without_outputs};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(document) = Document::read(text) {
        drop(Facts::of(&document));
        drop(extract(&document, "a.ipynb"));
    }
    if let Some(stripped) = without_outputs(text) {
        assert_eq!(without_outputs(&stripped).as_deref(), Some(&*stripped));
    }
});
