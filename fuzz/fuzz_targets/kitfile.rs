//! A Kitfile. What is written for a parsed Kitfile is parsed as an equal Kitfile.

#![no_main]

use kit_core::limits;
use kit_core::kitfile::{parse, to_yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match parse(text) {
    Err(problems) => drop(problems.to_string()),
    Ok(kitfile) => {
        let yaml = to_yaml(&kitfile);
        // Without aliases, the text can be much longer.
        if yaml.len() as u64 <= limits::KITFILE_BYTES {
            assert_eq!(parse(&yaml).as_ref().ok(), Some(&kitfile), "{yaml}");
        }
    }
});
