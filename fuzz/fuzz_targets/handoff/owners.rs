//! A `KITOWNERS`, and the owners of a file and of a field by it.

#![no_main]

use kit_core::owners::{Owners, Parts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match Owners::parse(text) {
    Err(problems) => drop(problems.to_string()),
    Ok(owners) => {
        let parts = Parts::default();
        if let Ok(path) = "weights/model.safetensors".parse() {
            owners.of_file(&path, &parts);
        }
        owners.of_field("datasets[train].license", &parts);
        // Patterns and owners are kept as they are written.
        for rule in owners.rules() {
            assert!(rule.owners.iter().all(|owner| text.contains(&owner.to_string())));
        }
    }
});
