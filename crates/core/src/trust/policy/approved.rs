//! The evaluation of required approvals.

use jiff::Timestamp;

use super::document::RequiredApproval;
use super::evaluate::{joint, missing, named};
use super::facts::DocumentFacts;
use super::verdict::{Requirement, Row, Verdict};
use crate::problem::printable;
use crate::provenance::{APPROVAL_PREDICATE_TYPE, Approval};

/// Evaluates `required`: of the approvals and withdrawals of a key in a role, the newest counts.
pub(super) fn approved(required: &RequiredApproval, facts: &DocumentFacts, verdict: &mut Verdict) {
    let RequiredApproval { role, signed_by } = required;
    let newest = |name: &String| newest(name, role, facts);
    let has_approved = |name: &String| newest(name).is_some_and(|approval| !approval.is_withdrawn);
    let missing = missing(signed_by, has_approved);
    if missing.is_empty() {
        let found: Vec<_> = signed_by.names.iter().filter(|name| has_approved(name)).collect();
        let dates = found.iter().filter_map(|name| newest(name)?.time).map(|time| format!(" on {}", date(time)));
        let date = dates.max().unwrap_or_default();
        let reason = format!("{role}: approved by {}{date}", named(&found, &facts.keys, "and"));
        return verdict.satisfied(Requirement::Approval, reason);
    }
    let withdrawn = missing.iter().filter(|name| newest(name).is_some());
    let withdrawn: Vec<_> = withdrawn.map(|name| format!("; `{name}` has withdrawn it")).collect();
    let reason = format!("{role}: no approval by {}", named(&missing, &facts.keys, joint(signed_by)));
    let reason = reason + &withdrawn.concat() + &others(required, facts);
    verdict.rows.push(Row { role: Some(role.clone()), ..Row::failed(Requirement::Approval, reason) });
}

/// The newest approval in `role` by the key `name`, or the withdrawal of it. Of two with the same time, the withdrawal
/// counts. An approval that claims to be from the future counts as the oldest.
fn newest(name: &String, role: &str, facts: &DocumentFacts) -> Option<Approval> {
    let by_key = of_role(role, facts).filter(|(signers, _)| signers.contains(name)).map(|(_, approval)| approval);
    by_key.max_by_key(|approval| {
        let is_believed = |time: &Timestamp| approval.is_withdrawn || time.duration_since(facts.now).as_hours() <= 24;
        (approval.time.filter(is_believed), approval.is_withdrawn)
    })
}

/// The approvals in `role`, each with the names of the keys that signed it.
fn of_role<'f>(role: &'f str, facts: &'f DocumentFacts) -> impl Iterator<Item = (&'f Vec<String>, Approval)> {
    let of_type = facts.attestations.iter().filter(|found| found.predicate_type == APPROVAL_PREDICATE_TYPE);
    let read = of_type.filter_map(|found| Some((&found.signers, Approval::parse(&found.predicate)?)));
    read.filter(move |(_, approval)| approval.role == role)
}

/// Describes the approvals that do not count.
fn others(required: &RequiredApproval, facts: &DocumentFacts) -> String {
    let is_other = |signers: &Vec<String>| !required.signed_by.names.iter().any(|name| signers.contains(name));
    let others =
        of_role(&required.role, facts).filter(|(signers, approval)| is_other(signers) && !approval.is_withdrawn);
    match others.count() {
        0 => String::new(),
        1 => "; 1 by another key".to_owned(),
        count => format!("; {count} by other keys"),
    }
}

/// The date of a time, in UTC.
pub(super) fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

/// A text of a signed statement, for one line of an output.
pub(super) fn shown(text: &str) -> String {
    /// The number of characters that are shown.
    const SHOWN: usize = 200;
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(SHOWN).collect();
    let rest = if line.chars().count() > SHOWN { "…" } else { "" };
    format!("{}{rest}", printable(&cut))
}
