//! Recalls of a ModelKit, by the attestations beside it.

use serde_json::Value;

use super::signed::SignedDocument;

/// The type of an attestation that recalls a ModelKit, or withdraws its recall.
const RECALL: &str = "urn:kit:recall:v1";

/// A recall.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    /// The reason, as the attestation gives it.
    pub reason: String,
    /// The ModelKit to use instead, if the attestation names one.
    pub instead: Option<String>,
    /// The time of the recall, as the attestation gives it.
    pub recalled_on: Option<String>,
    /// The person or system that recalled it, as the attestation names it.
    pub recaller: Option<String>,
    /// True if the signature of the attestation was verified.
    pub is_verified: bool,
}

/// Returns the recall that is in force. A recall that was verified takes precedence, and only a verified withdrawal
/// ends it: anyone with push access can attach an attestation of another key.
pub(super) fn recall(documents: &[SignedDocument]) -> Option<Recall> {
    latest(documents.iter().filter(|document| document.is_verified()), true)
        .or_else(|| latest(documents.iter().filter(|document| !document.is_verified()), false))
}

fn latest<'a>(documents: impl Iterator<Item = &'a SignedDocument>, is_verified: bool) -> Option<Recall> {
    let recalls = documents.filter_map(|document| document.predicate_of(RECALL));
    let newest = recalls.max_by_key(|predicate| text(predicate, "recalledOn"))?;
    let is_in_force = text(newest, "action").as_deref() != Some("withdraw");
    is_in_force.then(|| Recall {
        reason: text(newest, "reason").unwrap_or_default(),
        instead: text(newest, "instead"),
        recalled_on: text(newest, "recalledOn"),
        recaller: text(newest, "recaller"),
        is_verified,
    })
}

pub(super) fn text(document: &Value, name: &str) -> Option<String> {
    match document.get(name)? {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::signed::Standing;
    use super::*;
    use crate::digest::Digest;
    use crate::trust::{CertificateIdentity, Form, Signer};

    fn document(action: &str, day: u32, is_verified: bool) -> SignedDocument {
        let signer = Signer::Identity(CertificateIdentity { san: None, issuer: None });
        SignedDocument {
            manifest: Digest::of(b""),
            form: Form::Bundle,
            created: None,
            predicate_type: Some(RECALL.to_owned()),
            predicate: Some(json!({ "action": action, "reason": "bad", "recalledOn": format!("2026-01-{day:02}") })),
            has_certificate: false,
            standing: if is_verified { Standing::Verified(signer) } else { Standing::Unchecked },
        }
    }

    #[test]
    fn an_unverified_withdrawal_does_not_end_a_verified_recall() {
        let of = |documents: &[(&str, u32, bool)]| {
            let documents: Vec<_> = documents.iter().map(|(it, day, verified)| document(it, *day, *verified)).collect();
            recall(&documents).map(|recall| recall.is_verified)
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("recall", 1, true), ("withdraw", 2, false)]), Some(true));
        assert_eq!(of(&[("recall", 1, true), ("withdraw", 2, true)]), None);
        assert_eq!(of(&[("withdraw", 2, true), ("recall", 3, true)]), Some(true));
        assert_eq!(of(&[("recall", 1, false)]), Some(false));
        assert_eq!(of(&[("recall", 1, false), ("withdraw", 2, false)]), None);
    }
}
