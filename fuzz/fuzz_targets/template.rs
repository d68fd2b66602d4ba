//! A template of `--format`: the template, and, behind a NUL character, the JSON data to fill it from.

#![no_main]

use kit::fuzz_template;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (template, data) = text.split_once('\0').unwrap_or((text, "{}"));
    if let Ok(data) = serde_json::from_str(data) {
        drop(fuzz_template(template, &data));
    }
});
