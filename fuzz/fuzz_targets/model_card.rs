//! The front matter of a model card, and of a skill.

#![no_main]

use kit_core::draft::{ModelCard, SkillCard};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let text = format!("---\n{text}\n---\n");
    drop(ModelCard::read(&text));
    drop(SkillCard::read(&text));
});
