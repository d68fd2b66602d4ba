//! A `.kitignore`: the first line is a path, and the other lines are rules that are applied to it.

#![no_main]

use kit_core::archive::IgnoreRules;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (path, rules) = text.split_once('\n').unwrap_or_default();
    match (path.parse(), IgnoreRules::parse(rules)) {
        (Ok(path), Ok(rules)) => drop(rules.is_ignored(&path)),
        (_, Err(problems)) => drop(problems.to_string()),
        _ => {}
    }
});
