//! Approvals, recalls and records of promotions, and what a text on standard input mentions.

#![no_main]

use kit_core::ops::mentions;
use kit_core::provenance::{Approval, Promotion, Recall};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(predicate) = serde_json::from_slice(bytes) {
        if let Some(approval) = Approval::parse(&predicate) {
            assert_eq!(Approval::parse(&approval.to_predicate()), Some(approval));
        }
        if let Some(recall) = Recall::parse(&predicate) {
            assert_eq!(Recall::parse(&recall.to_predicate()), Some(recall));
        }
    }
    if let Some(promotion) = Promotion::parse(bytes) {
        assert_eq!(Promotion::parse(&promotion.to_statement()), Some(promotion));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(mentions(text));
    }
});
