//! The predicate of a recall: a manifest should no longer be used. The statement around it is signed.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::record::Builder;
use super::statement::{builder_from_json, given, id_of, text};

/// The type of the predicate, with the version of this format.
pub const RECALL_PREDICATE_TYPE: &str = "urn:kit:recall:v1";

/// The recall of a manifest, or the withdrawal of earlier recalls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    /// True if the manifest may be used again.
    pub is_withdrawn: bool,
    /// The reason.
    pub reason: String,
    /// The name of a version to use in its place.
    pub instead: Option<String>,
    /// The system on which it was signed.
    pub recaller: Builder,
    /// The time of the signature, as the signer states it.
    pub time: Option<Timestamp>,
}

const RECALL: &str = "recall";
const WITHDRAW: &str = "withdraw";

impl Recall {
    /// The predicate.
    pub fn to_predicate(&self) -> Value {
        let recaller = &self.recaller;
        Value::Object(given([
            ("action", Some(json!(if self.is_withdrawn { WITHDRAW } else { RECALL }))),
            ("reason", Some(json!(self.reason))),
            ("instead", self.instead.as_ref().map(|instead| json!(instead))),
            ("recalledOn", self.time.map(|time| json!(time.to_string()))),
            ("recaller", Some(json!({ "id": id_of(recaller), "version": { "kit": recaller.version } }))),
            ("invocationId", recaller.run.as_ref().map(|run| json!(run))),
        ]))
    }

    /// Reads a predicate. Returns `None` if it has no known action. Other members may be missing: a recall without
    /// them is still one.
    pub fn parse(predicate: &Value) -> Option<Self> {
        let action = predicate["action"].as_str().filter(|action| [RECALL, WITHDRAW].contains(action))?;
        Some(Self {
            is_withdrawn: action == WITHDRAW,
            reason: text(&predicate["reason"]).unwrap_or_default(),
            instead: text(&predicate["instead"]).filter(|instead| !instead.trim().is_empty()),
            recaller: builder_from_json(&predicate["recaller"], &predicate["invocationId"]),
            time: text(&predicate["recalledOn"]).and_then(|time| time.parse().ok()),
        })
    }

    /// Returns the recall that counts at the time `now`: the newest of `notices`, if it is not a withdrawal.
    ///
    /// Of two with the same time, the recall counts. A withdrawal that claims to be from the future counts as the
    /// oldest, because no later recall could replace it.
    pub fn standing<'a>(notices: impl IntoIterator<Item = &'a Self>, now: Timestamp) -> Option<&'a Self> {
        let newest = notices.into_iter().max_by_key(|notice| notice.rank(now))?;
        (!newest.is_withdrawn).then_some(newest)
    }

    fn rank(&self, now: Timestamp) -> (Option<Timestamp>, bool) {
        let is_from_the_future = |time: &Timestamp| time.duration_since(now).as_hours() > 24;
        (self.time.filter(|time| !(self.is_withdrawn && is_from_the_future(time))), !self.is_withdrawn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recall() -> Recall {
        Recall {
            is_withdrawn: false,
            reason: "the training data contains customer names".to_owned(),
            instead: Some("r.example/team/net:v3".to_owned()),
            recaller: Builder { id: None, run: None, version: "0.1.0".to_owned() },
            time: Some("2026-11-21T11:05:00Z".parse().unwrap()),
        }
    }

    #[test]
    fn a_recall_is_read_as_it_was_written() {
        let other = Recall { is_withdrawn: true, instead: None, time: None, ..recall() };
        for recall in [recall(), other] {
            assert_eq!(Recall::parse(&recall.to_predicate()), Some(recall.clone()));
        }
    }

    #[test]
    fn the_predicate_has_the_fields_of_its_documentation() {
        let expected = json!({
            "action": "recall",
            "reason": "the training data contains customer names",
            "instead": "r.example/team/net:v3",
            "recalledOn": "2026-11-21T11:05:00Z",
            "recaller": { "id": "urn:kit:builder:local", "version": { "kit": "0.1.0" } },
        });
        assert_eq!(recall().to_predicate(), expected);
    }

    #[test]
    fn a_recall_needs_an_action_only() {
        for other in [json!({}), json!({ "action": "undo" }), json!({ "reason": "x" }), json!(null)] {
            assert_eq!(Recall::parse(&other), None, "{other}");
        }
        let bare = Recall::parse(&json!({ "action": "recall", "recalledOn": 7, "instead": " " })).unwrap();
        assert_eq!((bare.reason.as_str(), bare.instead, bare.time), ("", None, None));
    }

    #[test]
    fn the_newest_notice_counts() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let at = |is_withdrawn, hours: Option<i64>| Recall {
            is_withdrawn,
            reason: format!("{hours:?}"),
            time: hours.map(|hours| now + jiff::SignedDuration::from_hours(hours)),
            ..recall()
        };
        for (notices, expected) in [
            (vec![], None),
            (vec![at(false, None)], Some("None")),
            (vec![at(true, Some(-1)), at(false, Some(-2))], None),
            (vec![at(false, Some(-1)), at(true, Some(-2))], Some("Some(-1)")),
            (vec![at(true, Some(-1)), at(false, Some(-1))], Some("Some(-1)")),
            (vec![at(false, Some(-9)), at(true, Some(99))], Some("Some(-9)")),
            (vec![at(false, Some(-9)), at(true, Some(1))], None),
            (vec![at(false, Some(99)), at(true, Some(1))], Some("Some(99)")),
        ] {
            let found = Recall::standing(&notices, now).map(|notice| notice.reason.as_str());
            assert_eq!(found, expected, "{notices:?}");
        }
    }
}
