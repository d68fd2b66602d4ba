//! The record of a subset, and manifests of deployments: any text is read or refused without a panic.

#![no_main]

use kit_core::provenance::Subset;
use kit_core::yaml;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(record) = Subset::parse(bytes) {
        assert_eq!(Subset::parse(&record.to_statement()), Some(record));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(yaml::values(text));
    }
});
