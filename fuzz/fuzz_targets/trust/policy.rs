//! A policy. Names are matched with the rules of a parsed one.

#![no_main]

use std::path::Path;

use kit_core::oci::Reference;
use kit_core::trust::policy::{Name, Policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (text, name) = input;
    match Policy::parse(text, Path::new("/etc/kit/policy.toml")) {
        Err(problems) => drop(problems.to_string()),
        Ok(policy) => {
            if let Ok(reference) = name.parse::<Reference>()
                && let Some((rule, pattern)) = policy.rule_for(&Name::of(&reference))
            {
                assert!(rule.patterns.contains(pattern), "{pattern}");
            }
        }
    }
});
