//! References. The text of a parsed reference is parsed as an equal reference.

#![no_main]

use kit_core::oci::Reference;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for reference in Reference::parse_list(text).unwrap_or_default() {
        assert_eq!(reference.to_string().parse::<Reference>().ok(), Some(reference));
    }
});
