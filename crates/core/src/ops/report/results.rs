//! The results of evaluations and scans in attestations, and of a scan that was made for the report.

use std::collections::BTreeMap;

use serde_json::Value;

use super::recall::{person, text};
use super::signed::{SignedDocument, Standing};
use crate::digest::Digest;
use crate::ops::scan::Scanned;
use crate::provenance::{self, APPROVAL_PREDICATE_TYPE};
use crate::verdict::numbers;

/// The type of an attestation with the result of a test (in-toto attestation framework, "Test Result").
const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// The type of an attestation with the result of `kit scan`.
const SCAN: &str = "urn:kit:scan:v1";

/// An approval, or the withdrawal of one, as an attestation states it.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// The manifest of the attestation.
    pub manifest: Digest,
    /// The role in which the signer approves.
    pub role: String,
    /// True if earlier approvals of the signer are withdrawn.
    pub is_withdrawn: bool,
    /// The person or system that approves, as the attestation names it.
    pub approver: Option<String>,
    /// The time, as the attestation gives it.
    pub approved_on: Option<String>,
    /// The comment.
    pub comment: Option<String>,
    /// The result of the verification of the attestation.
    pub standing: Standing,
}

/// Returns the approvals in `documents`.
pub(super) fn approvals(documents: &[SignedDocument]) -> Vec<Approval> {
    let read = |document: &SignedDocument| {
        let predicate = document.predicate_of(APPROVAL_PREDICATE_TYPE)?;
        let provenance::Approval { role, comment, is_withdrawn, .. } = provenance::Approval::parse(predicate)?;
        Some(Approval {
            manifest: document.manifest,
            role,
            is_withdrawn,
            approver: person(predicate, "approver"),
            approved_on: text(predicate, "approvedOn"),
            comment,
            standing: document.standing.clone(),
        })
    };
    documents.iter().filter_map(read).collect()
}

/// The result of an evaluation, as an attestation states it.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The manifest of the attestation.
    pub manifest: Digest,
    /// The result: `PASSED`, `WARNED` or `FAILED`.
    pub result: String,
    /// The names of the tests, datasets or configurations.
    pub configuration: Vec<String>,
    /// The address with details.
    pub url: Option<String>,
    /// The number of tests that passed, had warnings and failed.
    pub counts: [usize; 3],
    /// The numbers in the member `metrics`, by name.
    pub metrics: BTreeMap<String, f64>,
    /// True if the attestation was verified.
    pub is_verified: bool,
}

/// Returns the evaluations in `documents`.
pub(super) fn evaluations(documents: &[SignedDocument]) -> Vec<Evaluation> {
    let read = |document: &SignedDocument| {
        let predicate = document.predicate_of(TEST_RESULT)?;
        let count = |name: &str| predicate.get(name).and_then(Value::as_array).map_or(0, Vec::len);
        let configuration = predicate.get("configuration").and_then(Value::as_array);
        let named = |entry: &Value| text(entry, "name").or_else(|| text(entry, "uri"));
        Some(Evaluation {
            manifest: document.manifest,
            result: text(predicate, "result").unwrap_or_default(),
            configuration: configuration.into_iter().flatten().filter_map(named).collect(),
            url: text(predicate, "url"),
            counts: ["passedTests", "warnedTests", "failedTests"].map(count),
            metrics: numbers(predicate.get("metrics")),
            is_verified: document.is_verified(),
        })
    };
    documents.iter().filter_map(read).collect()
}

/// The result of a scan.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanSummary {
    /// The attestation that contains it; `None` if the scan was made for the report.
    pub manifest: Option<Digest>,
    /// True if it was made for the report, or if its attestation was verified.
    pub is_verified: bool,
    /// The document: that of `kit scan --format json`.
    pub document: Value,
}

impl ScanSummary {
    /// The scan that was made for the report.
    pub(super) fn made_now(scanned: &Scanned) -> Self {
        Self { manifest: None, is_verified: true, document: scanned.to_json() }
    }

    /// The level of the worst finding, `clean`, or `unknown` if the document has another word.
    pub fn level(&self) -> &'static str {
        let level = text(&self.document, "level").unwrap_or_default();
        ["clean", "low", "medium", "high"].into_iter().find(|known| *known == level).unwrap_or("unknown")
    }

    /// The findings.
    pub fn findings(&self) -> &[Value] {
        self.document.get("findings").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// Returns the scans in `documents`.
pub(super) fn scans(documents: &[SignedDocument]) -> Vec<ScanSummary> {
    let read = |document: &SignedDocument| {
        let manifest = Some(document.manifest);
        let predicate = document.predicate_of(SCAN)?.clone();
        Some(ScanSummary { manifest, is_verified: document.is_verified(), document: predicate })
    };
    documents.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::trust::Form;

    fn document(predicate: Value) -> SignedDocument {
        SignedDocument {
            manifest: Digest::of(b""),
            form: Form::Bundle,
            created: None,
            predicate_type: Some(APPROVAL_PREDICATE_TYPE.to_owned()),
            predicate: Some(predicate),
            has_certificate: false,
            standing: Standing::Unchecked,
        }
    }

    #[test]
    fn only_approvals_and_withdrawals_are_reported_as_such() {
        let of = |predicate: Value| {
            let found = approvals(&[document(predicate)]);
            found.into_iter().map(|approval| (approval.role, approval.is_withdrawn)).next()
        };
        assert_eq!(of(json!({ "role": "sre" })), Some(("sre".to_owned(), false)));
        assert_eq!(of(json!({ "role": "sre", "action": "withdraw" })), Some(("sre".to_owned(), true)));
        assert_eq!(of(json!({ "role": "sre", "action": "refuse" })), None);
        assert_eq!(of(json!({ "comment": "fine" })), None);
    }

    #[test]
    fn an_approver_and_a_time_are_as_the_attestation_gives_them() {
        let predicate = json!({ "role": "sre", "approver": "Grace", "approvedOn": "2026-11-20", "comment": "fine" });
        let found = approvals(&[document(predicate)]).remove(0);
        assert_eq!(found.approver.as_deref(), Some("Grace"));
        assert_eq!(found.approved_on.as_deref(), Some("2026-11-20"));
        assert_eq!(found.comment.as_deref(), Some("fine"));
    }
}
