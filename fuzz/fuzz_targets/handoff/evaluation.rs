//! A file with the results of an evaluation, and the predicate of a test result.

#![no_main]

use kit_core::provenance::{Evaluation, parse_results};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(metrics) = parse_results(bytes) {
        assert!(!metrics.is_empty() && metrics.values().all(|value| value.is_finite()));
    }
    let Ok(predicate) = serde_json::from_slice(bytes) else { return };
    if let Some(evaluation) = Evaluation::parse(&predicate) {
        assert_eq!(Evaluation::parse(&evaluation.to_predicate()), Some(evaluation));
    }
});
