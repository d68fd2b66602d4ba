//! The evaluation of recalls.

use super::approved::{date, shown};
use super::document::{RecallMode, Rule};
use super::evaluate::named;
use super::facts::DocumentFacts;
use super::verdict::{Outcome, Requirement, Row, Verdict};
use crate::provenance::{RECALL_PREDICATE_TYPE, Recall};

/// Evaluates the recalls: the newest notice by one of the keys that may recall counts.
pub(super) fn recalled(rule: &Rule, facts: &DocumentFacts, verdict: &mut Verdict) {
    if !rule.heeds_recalls() {
        return;
    }
    let keys = rule.recall_keys();
    let notices: Vec<_> = facts
        .attestations
        .iter()
        .filter(|found| found.predicate_type == RECALL_PREDICATE_TYPE)
        .filter_map(|found| {
            let by = found.signers.iter().find(|name| keys.contains(&name.as_str()))?;
            Some((by, Recall::parse(&found.predicate)?))
        })
        .collect();
    let standing = Recall::standing(notices.iter().map(|(_, notice)| notice), facts.now);
    if let Some(recall) = standing {
        let by = notices.iter().find(|(_, notice)| std::ptr::eq(notice, recall)).map(|(by, _)| *by);
        let mut row = Row::failed(Requirement::Recalled, described(recall, by, facts));
        row.instead.clone_from(&recall.instead);
        if rule.recalled.mode == RecallMode::Warn {
            row.outcome = Outcome::Warned;
        }
        verdict.rows.push(row);
    } else if facts.is_cut_off {
        // A recall may be among the documents that were not read.
        let reason = "more is attached than kit reads, so that a recall may be missed";
        verdict.failed(Requirement::Recalled, reason);
    } else {
        verdict.satisfied(Requirement::Recalled, "not recalled by a key that counts");
    }
}

fn described(recall: &Recall, by: Option<&String>, facts: &DocumentFacts) -> String {
    let on = recall.time.map(|time| format!(" on {}", date(time))).unwrap_or_default();
    let by = by.map(|name| format!(" by {}", named(&[name], &facts.keys, "and"))).unwrap_or_default();
    let instead = recall.instead.as_ref().map(|instead| format!("; use {} instead", shown(instead)));
    format!("recalled{on}{by}: {}{}", shown(&recall.reason), instead.unwrap_or_default())
}
