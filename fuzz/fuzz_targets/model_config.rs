//! The `config.json` of a model.

#![no_main]

use kit_core::tensors::{Hyperparameters, Summary};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(hyperparameters) = Hyperparameters::of_config(text) {
        drop(Summary::new(hyperparameters, &[]));
    }
});
