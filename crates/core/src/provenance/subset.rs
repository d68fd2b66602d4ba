//! The record of a subset: an in-toto statement (in-toto attestation framework 1.0, "Statement") that the layers of a
//! ModelKit belong to another one.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::record::Builder;
use super::statement::{STATEMENT_TYPE, builder_from_json, digest_of, digest_set, given, id_of, text};
use crate::digest::Digest;

/// The artifact type of the referrer that contains the record, so that a list of referrers is enough to find it.
pub const SUBSET_ARTIFACT_TYPE: &str = "application/vnd.kit.subset.v1+json";
/// The type of the predicate, with the version of this format.
pub const SUBSET_PREDICATE_TYPE: &str = "urn:kit:subset:v1";

/// The record that a ModelKit consists of layers of another one, the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subset {
    /// The manifest of the subset.
    pub subject: Digest,
    /// The name of the subset.
    pub name: String,
    /// The manifest of the original.
    pub original: Digest,
    /// The name of the original; `None` for an image layout, whose path has no meaning on other machines.
    pub original_name: Option<String>,
    /// The layers, in the order of the subset.
    pub layers: Vec<Digest>,
    /// The filters that selected them.
    pub filters: Vec<String>,
    /// The system that made the subset.
    pub builder: Builder,
    /// The time at which it was made.
    pub time: Option<Timestamp>,
}

impl Subset {
    /// The record as a document.
    pub fn to_statement(&self) -> Vec<u8> {
        let builder = &self.builder;
        let statement = json!({
            "_type": STATEMENT_TYPE,
            "subject": [{ "name": self.name, "digest": digest_set(&self.subject) }],
            "predicateType": SUBSET_PREDICATE_TYPE,
            "predicate": given([
                ("original", Some(json!(given([
                    ("name", self.original_name.as_ref().map(|name| json!(name))),
                    ("digest", Some(digest_set(&self.original))),
                ])))),
                ("layers", Some(self.layers.iter().map(|layer| json!({ "digest": digest_set(layer) })).collect())),
                ("filters", Some(json!(self.filters))),
                ("createdOn", self.time.map(|time| json!(time.to_string()))),
                ("creator", Some(json!({ "id": id_of(builder), "version": { "kit": builder.version } }))),
                ("invocationId", builder.run.as_ref().map(|run| json!(run))),
            ]),
        });
        statement.to_string().into_bytes()
    }

    /// Parses a document. Returns `None` if it is not the record of a subset.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let statement: Value = serde_json::from_slice(bytes).ok()?;
        if statement["_type"] != STATEMENT_TYPE || statement["predicateType"] != SUBSET_PREDICATE_TYPE {
            return None;
        }
        let [subject] = statement["subject"].as_array()?.as_slice() else { return None };
        let predicate = &statement["predicate"];
        let filters = predicate["filters"].as_array().map(Vec::as_slice).unwrap_or_default();
        Some(Self {
            subject: digest_of(subject)?,
            name: text(&subject["name"]).unwrap_or_default(),
            original: digest_of(&predicate["original"])?,
            original_name: text(&predicate["original"]["name"]),
            layers: predicate["layers"].as_array()?.iter().map(digest_of).collect::<Option<_>>()?,
            filters: filters.iter().filter_map(text).collect(),
            builder: builder_from_json(&predicate["creator"], &predicate["invocationId"]),
            time: text(&predicate["createdOn"]).and_then(|time| time.parse().ok()),
        })
    }

    /// The record without the fields that change when the same subset is made again on the same system.
    #[must_use]
    pub fn without_history(&self) -> Self {
        let builder = Builder { run: None, ..self.builder.clone() };
        Self { time: None, builder, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Subset {
        Subset {
            subject: Digest::of(b"subset"),
            name: "r.example/app/net:v2".to_owned(),
            original: Digest::of(b"original"),
            original_name: Some("r.example/team/net:v2".to_owned()),
            layers: vec![Digest::of(b"one"), Digest::of(b"two")],
            filters: vec!["model,docs".to_owned()],
            builder: Builder {
                id: Some("https://ci.example/workflow".to_owned()),
                run: Some("https://ci.example/7".to_owned()),
                version: "0.1.0".to_owned(),
            },
            time: Some("2026-11-21T11:05:00Z".parse().unwrap()),
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let least = Subset { original_name: None, layers: Vec::new(), filters: Vec::new(), ..record() };
        for record in [record(), least, record().without_history()] {
            assert_eq!(Subset::parse(&record.to_statement()), Some(record));
        }
    }

    #[test]
    fn other_documents_are_refused() {
        let statement: Value = serde_json::from_slice(&record().to_statement()).unwrap();
        for (pointer, value) in [
            ("/_type", json!("https://in-toto.io/Statement/v0.1")),
            ("/predicateType", json!("https://slsa.dev/provenance/v1")),
            ("/subject", json!([])),
            ("/predicate/original/digest", json!({ "sha256": "../x" })),
            ("/predicate/layers/0/digest", json!({})),
            ("/predicate/layers", json!(7)),
        ] {
            let mut other = statement.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            assert_eq!(Subset::parse(other.to_string().as_bytes()), None, "{pointer}");
        }
        assert_eq!(Subset::parse(b"{"), None);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            drop(Subset::parse(&bytes));
        }
    }
}
