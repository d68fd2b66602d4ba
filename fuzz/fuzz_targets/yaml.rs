//! YAML values. What is written for a value is read as an equal value.

#![no_main]

use kit_core::yaml::{fuzz_yaml, value_to_yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(value) = fuzz_yaml(text) {
        let yaml = value_to_yaml(&value);
        assert_eq!(fuzz_yaml(&yaml), Some(value), "{yaml}");
    }
});
