//! The record of a promotion: an in-toto statement (in-toto attestation framework 1.0, "Statement") about the ModelKit
//! that a tag was moved to.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::record::Builder;
use super::statement::{STATEMENT_TYPE, builder_from_json, digest_of, digest_set, given, id_of, text};
use crate::digest::Digest;

/// The artifact type of the referrer that contains the record. It differs from that of a provenance attestation, so
/// that a list of referrers is enough to distinguish both.
pub const PROMOTION_ARTIFACT_TYPE: &str = "application/vnd.kit.promotion.v1+json";
/// The type of the predicate, with the version of this format.
pub const PROMOTION_PREDICATE_TYPE: &str = "urn:kit:promotion:v1";

/// The record that a tag was moved to a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// The manifest that the tag was moved to.
    pub subject: Digest,
    /// The name that it was promoted from; `None` for an image layout, whose path has no meaning on other machines.
    pub source: Option<String>,
    /// The tag that was moved, with its repository and registry.
    pub target: String,
    /// The manifest that the tag pointed to before.
    pub previous: Option<Digest>,
    /// True if the tag was set back to an earlier manifest.
    pub is_rollback: bool,
    /// The system that moved the tag.
    pub promoter: Builder,
    /// The time at which the tag was moved.
    pub time: Option<Timestamp>,
    /// The policies that were asked, in their order.
    pub policies: Vec<AskedPolicy>,
}

/// A policy that was asked before a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedPolicy {
    /// The digest of the file.
    pub digest: Digest,
    /// The pattern of the rule.
    pub pattern: Option<String>,
    /// The verdict: `allowed`, or `warned` if the rule only warns of a requirement that is not satisfied.
    pub verdict: String,
}

impl Promotion {
    /// The record as a document.
    pub fn to_statement(&self) -> Vec<u8> {
        let statement = json!({
            "_type": STATEMENT_TYPE,
            "subject": [{ "name": self.target, "digest": digest_set(&self.subject) }],
            "predicateType": PROMOTION_PREDICATE_TYPE,
            "predicate": self.to_predicate(),
        });
        statement.to_string().into_bytes()
    }

    /// The predicate alone.
    pub fn to_predicate(&self) -> Value {
        let promoter = &self.promoter;
        let policies = self.policies.iter().map(AskedPolicy::to_json).collect::<Value>();
        Value::Object(given([
            ("action", Some(json!(if self.is_rollback { ROLLBACK } else { "promote" }))),
            ("source", self.source.as_ref().map(|source| json!(source))),
            ("target", Some(json!(self.target))),
            ("previous", self.previous.map(|digest| json!(digest))),
            ("promotedOn", self.time.map(|time| json!(time.to_string()))),
            ("promoter", Some(json!({ "id": id_of(promoter), "version": { "kit": promoter.version } }))),
            ("invocationId", promoter.run.as_ref().map(|run| json!(run))),
            ("policies", (!self.policies.is_empty()).then_some(policies)),
        ]))
    }

    /// Parses a document. Returns `None` if it is not the record of a promotion.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let statement: Value = serde_json::from_slice(bytes).ok()?;
        if statement["_type"] != STATEMENT_TYPE || statement["predicateType"] != PROMOTION_PREDICATE_TYPE {
            return None;
        }
        let [subject] = statement["subject"].as_array()?.as_slice() else { return None };
        let predicate = &statement["predicate"];
        Some(Self {
            subject: digest_of(subject)?,
            source: text(&predicate["source"]),
            target: text(&predicate["target"])?,
            previous: text(&predicate["previous"]).and_then(|digest| digest.parse().ok()),
            is_rollback: predicate["action"] == ROLLBACK,
            promoter: builder_from_json(&predicate["promoter"], &predicate["invocationId"]),
            time: text(&predicate["promotedOn"]).and_then(|time| time.parse().ok()),
            policies: predicate["policies"].as_array().into_iter().flatten().filter_map(AskedPolicy::parse).collect(),
        })
    }
}

impl AskedPolicy {
    fn to_json(&self) -> Value {
        Value::Object(given([
            ("digest", Some(digest_set(&self.digest))),
            ("match", self.pattern.as_ref().map(|pattern| json!(pattern))),
            ("verdict", Some(json!(self.verdict))),
        ]))
    }

    fn parse(value: &Value) -> Option<Self> {
        let (pattern, verdict) = (text(&value["match"]), text(&value["verdict"])?);
        Some(Self { digest: digest_of(value)?, pattern, verdict })
    }
}

const ROLLBACK: &str = "rollback";

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Promotion {
        Promotion {
            subject: Digest::of(b"v2"),
            source: Some("r.example/team/net:v2".to_owned()),
            target: "r.example/production/net:live".to_owned(),
            previous: Some(Digest::of(b"v1")),
            is_rollback: false,
            promoter: Builder {
                id: Some("https://ci.example/workflow".to_owned()),
                run: Some("https://ci.example/7".to_owned()),
                version: "0.1.0".to_owned(),
            },
            time: Some("2026-11-21T11:05:00Z".parse().unwrap()),
            policies: vec![AskedPolicy {
                digest: Digest::of(b"policy"),
                pattern: Some("r.example/production/".to_owned()),
                verdict: "allowed".to_owned(),
            }],
        }
    }

    #[test]
    fn a_promotion_is_read_as_it_was_written() {
        let promoter = Builder { version: "0.1.0".to_owned(), ..Builder::default() };
        let least = Promotion { source: None, previous: None, time: None, policies: Vec::new(), ..record() };
        let least = Promotion { promoter, is_rollback: true, ..least };
        for record in [record(), least] {
            assert_eq!(Promotion::parse(&record.to_statement()), Some(record.clone()));
        }
    }

    #[test]
    fn the_statement_names_both_places_both_digests_the_time_and_the_run() {
        let statement: Value = serde_json::from_slice(&record().to_statement()).unwrap();
        let expected = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": "r.example/production/net:live", "digest": { "sha256": Digest::of(b"v2").hex() } }],
            "predicateType": "urn:kit:promotion:v1",
            "predicate": {
                "action": "promote",
                "source": "r.example/team/net:v2",
                "target": "r.example/production/net:live",
                "previous": Digest::of(b"v1").to_string(),
                "promotedOn": "2026-11-21T11:05:00Z",
                "promoter": { "id": "https://ci.example/workflow", "version": { "kit": "0.1.0" } },
                "invocationId": "https://ci.example/7",
                "policies": [{
                    "digest": { "sha256": Digest::of(b"policy").hex() },
                    "match": "r.example/production/",
                    "verdict": "allowed",
                }],
            },
        });
        assert_eq!(statement, expected);
    }

    #[test]
    fn other_documents_are_refused_and_invalid_fields_are_left_out() {
        let mut statement: Value = serde_json::from_slice(&record().to_statement()).unwrap();
        let parse = |statement: &Value| Promotion::parse(statement.to_string().as_bytes());
        statement["predicate"]["previous"] = json!("../x");
        statement["predicate"]["promotedOn"] = json!("yesterday");
        let odd = parse(&statement).unwrap();
        assert_eq!((odd.previous, odd.time), (None, None));
        for (member, value) in [
            ("_type", json!("https://in-toto.io/Statement/v0.1")),
            ("predicateType", json!("https://slsa.dev/provenance/v1")),
            ("subject", json!([])),
            ("subject", json!([{ "digest": { "sha256": "../x" } }])),
            ("predicate", json!({ "target": 7 })),
        ] {
            let mut other = statement.clone();
            other[member] = value;
            assert_eq!(parse(&other), None, "{member}");
        }
        assert_eq!(Promotion::parse(b"{"), None);
    }
}
