//! The front matter of a model card.

#![no_main]

use kit_core::draft::ModelCard;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| drop(ModelCard::read(&format!("---\n{text}\n---\n"))));
