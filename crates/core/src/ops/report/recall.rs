//! Recalls of a ModelKit, by the attestations beside it.

use jiff::Timestamp;
use serde_json::Value;

use super::signed::SignedDocument;
use crate::provenance::{self, RECALL_PREDICATE_TYPE};

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

/// Returns the recall that is in force at the time `now`. A recall that was verified takes precedence, and only
/// a verified withdrawal ends it: anyone with push access can attach an attestation of another key.
pub(super) fn recall(documents: &[SignedDocument], now: Timestamp) -> Option<Recall> {
    let (verified, others): (Vec<_>, Vec<_>) = documents.iter().partition(|document| document.is_verified());
    newest(&verified, now, true).or_else(|| newest(&others, now, false))
}

/// The newest notice, if it is a recall. Its texts are as the attestation gives them.
fn newest(documents: &[&SignedDocument], now: Timestamp, is_verified: bool) -> Option<Recall> {
    let predicates = documents.iter().filter_map(|document| document.predicate_of(RECALL_PREDICATE_TYPE));
    let notices: Vec<_> = predicates.filter_map(|it| Some((provenance::Recall::parse(it)?, it))).collect();
    let standing = provenance::Recall::standing(notices.iter().map(|(notice, _)| notice), now)?;
    let (_, newest) = notices.iter().find(|(notice, _)| std::ptr::eq(notice, standing))?;
    Some(Recall {
        reason: text(newest, "reason").unwrap_or_default(),
        instead: text(newest, "instead"),
        recalled_on: text(newest, "recalledOn"),
        recaller: person(newest, "recaller"),
        is_verified,
    })
}

/// The person or system that a member names: a text, or an object with an identifier.
pub(super) fn person(document: &Value, name: &str) -> Option<String> {
    let member = document.get(name)?;
    let id = if member.is_object() { text(member, "id") } else { text(document, name) };
    // The identifier of all machines of developers says nothing.
    id.filter(|id| id != "urn:kit:builder:local")
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
            predicate_type: Some(RECALL_PREDICATE_TYPE.to_owned()),
            predicate: Some(
                json!({ "action": action, "reason": "bad", "recalledOn": format!("2026-01-{day:02}T00:00:00Z") }),
            ),
            has_certificate: false,
            standing: if is_verified { Standing::Verified(signer) } else { Standing::Unchecked },
        }
    }

    #[test]
    fn an_unverified_withdrawal_does_not_end_a_verified_recall() {
        let of = |documents: &[(&str, u32, bool)]| {
            let documents: Vec<_> = documents.iter().map(|(it, day, verified)| document(it, *day, *verified)).collect();
            recall(&documents, "2026-01-10T00:00:00Z".parse().unwrap()).map(|recall| recall.is_verified)
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("recall", 1, true), ("withdraw", 2, false)]), Some(true));
        assert_eq!(of(&[("recall", 1, true), ("withdraw", 2, true)]), None);
        assert_eq!(of(&[("withdraw", 2, true), ("recall", 3, true)]), Some(true));
        assert_eq!(of(&[("recall", 2, true), ("withdraw", 2, true)]), Some(true), "of two at once, the recall counts");
        assert_eq!(of(&[("recall", 2, true), ("withdraw", 30, true)]), Some(true), "a withdrawal from the future");
        assert_eq!(of(&[("undo", 3, true)]), None);
        assert_eq!(of(&[("recall", 1, false)]), Some(false));
        assert_eq!(of(&[("recall", 1, false), ("withdraw", 2, false)]), None);
    }
}
