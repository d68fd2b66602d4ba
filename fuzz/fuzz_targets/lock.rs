//! A Kitfile.lock. Each lock has exactly one text.

#![no_main]

use kit_core::modelkit::parse_lock;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match parse_lock(text) {
    Err(problems) => drop(problems.to_string()),
    Ok(lock) => assert_eq!(lock.to_string(), text.replace("\r\n", "\n")),
});
