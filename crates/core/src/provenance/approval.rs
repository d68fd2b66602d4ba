//! The predicate of an approval: a person accepts a manifest in a role. The statement around it is signed.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::record::Builder;
use super::statement::{builder_from_json, given, id_of, text};

/// The type of the predicate, with the version of this format.
pub const APPROVAL_PREDICATE_TYPE: &str = "urn:kit:approval:v1";

/// The approval of a manifest, or the withdrawal of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The role in which the signer approves, as in `sre`.
    pub role: String,
    /// The text of the signer.
    pub comment: Option<String>,
    /// True if the signer withdraws the approvals that it gave in this role before.
    pub is_withdrawn: bool,
    /// The system on which it was signed.
    pub approver: Builder,
    /// The time of the signature, as the signer states it.
    pub time: Option<Timestamp>,
}

const WITHDRAW: &str = "withdraw";

impl Approval {
    /// The predicate.
    pub fn to_predicate(&self) -> Value {
        let approver = &self.approver;
        Value::Object(given([
            ("action", self.is_withdrawn.then(|| json!(WITHDRAW))),
            ("role", Some(json!(self.role))),
            ("comment", self.comment.as_ref().map(|comment| json!(comment))),
            ("approvedOn", self.time.map(|time| json!(time.to_string()))),
            ("approver", Some(json!({ "id": id_of(approver), "version": { "kit": approver.version } }))),
            ("invocationId", approver.run.as_ref().map(|run| json!(run))),
        ]))
    }

    /// Reads a predicate. Returns `None` if it is not an approval, or has an action that is not known.
    pub fn parse(predicate: &Value) -> Option<Self> {
        let action = predicate.get("action").map(Value::as_str);
        if ![None, Some(Some("approve")), Some(Some(WITHDRAW))].contains(&action) {
            return None;
        }
        Some(Self {
            role: text(&predicate["role"])?,
            comment: text(&predicate["comment"]),
            is_withdrawn: action == Some(Some(WITHDRAW)),
            approver: builder_from_json(&predicate["approver"], &predicate["invocationId"]),
            time: text(&predicate["approvedOn"]).and_then(|time| time.parse().ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approval() -> Approval {
        Approval {
            role: "sre".to_owned(),
            comment: Some("load test is fine".to_owned()),
            is_withdrawn: false,
            approver: Builder { id: None, run: None, version: "0.1.0".to_owned() },
            time: Some("2026-11-21T11:05:00Z".parse().unwrap()),
        }
    }

    #[test]
    fn an_approval_is_read_as_it_was_written() {
        let run = Some("https://ci.example/7".to_owned());
        let approver = Builder { id: Some("https://ci.example".to_owned()), run, version: "1".to_owned() };
        let other = Approval { comment: None, is_withdrawn: true, time: None, approver, ..approval() };
        for approval in [approval(), other] {
            assert_eq!(Approval::parse(&approval.to_predicate()), Some(approval.clone()));
        }
    }

    #[test]
    fn the_predicate_has_the_fields_of_its_documentation() {
        let expected = json!({
            "role": "sre",
            "comment": "load test is fine",
            "approvedOn": "2026-11-21T11:05:00Z",
            "approver": { "id": "urn:kit:builder:local", "version": { "kit": "0.1.0" } },
        });
        assert_eq!(approval().to_predicate(), expected);
    }

    #[test]
    fn other_documents_are_not_approvals() {
        for other in [json!({}), json!([]), json!({ "role": 7 }), json!({ "role": "sre", "action": "refuse" })] {
            assert_eq!(Approval::parse(&other), None, "{other}");
        }
        let predicate = json!({ "role": "sre", "action": "approve", "approvedOn": "yesterday" });
        let odd = Approval::parse(&predicate).unwrap();
        assert_eq!((odd.is_withdrawn, odd.time), (false, None));
    }
}
