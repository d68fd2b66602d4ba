//! The evaluation of required attestations.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::document::{Ceiling, RequiredAttestation, Signers};
use super::evaluate::{joint, missing, named};
use super::facts::{AttestationFact, DocumentFacts};
use super::predicate::{PROVENANCE, SCAN};
use super::verdict::{Requirement, Verdict};
use crate::scan::Level;

/// The age at which the rules of a signed scan are too old.
const RULES_DAYS: i64 = 90;

/// Evaluates `required`.
pub(super) fn attested(required: &RequiredAttestation, facts: &DocumentFacts, verdict: &mut Verdict) {
    let fits = |predicate: &Value| objection(required, predicate);
    match signed_by(&required.predicate_type, &required.signed_by, facts, &fits) {
        Ok(()) => verdict.satisfied(Requirement::Attestation, format!("{} fits", required.word)),
        Err(objections) => {
            for objection in objections {
                verdict.failed(Requirement::Attestation, format!("{} {objection}", required.word));
            }
        }
    }
}

/// Evaluates a signed scan that replaces scanning. Returns false, with the reasons, if there is none that fits.
pub(super) fn scanned(at_most: Ceiling, by: &Signers, facts: &DocumentFacts) -> Result<(), Vec<String>> {
    let fits = |predicate: &Value| {
        too_high(at_most, predicate).or_else(|| {
            let date = predicate.pointer("/scanner/rules").and_then(Value::as_str)?;
            let parsed = format!("{date}T00:00:00Z").parse::<Timestamp>();
            let Ok(rules) = parsed else { return Some(format!("has rules with an invalid date, `{date}`")) };
            if is_in_the_future(rules, facts.now) {
                return Some(format!("has rules of {date}, which is in the future"));
            }
            let age_days = facts.now.duration_since(rules).as_hours() / 24;
            (age_days > RULES_DAYS).then(|| format!("has rules of {date}, older than {RULES_DAYS} days"))
        })
    };
    let fits = |predicate: &Value| match predicate.pointer("/scanner/rules") {
        Some(Value::String(_)) => fits(predicate),
        _ => Some("does not say which rules it used".to_owned()),
    };
    signed_by(SCAN, by, facts, &fits)
}

/// Returns true for a time more than a day after `now`. Clocks differ, but not by more.
fn is_in_the_future(time: Timestamp, now: Timestamp) -> bool {
    time.duration_since(now).as_hours() > 24
}

/// Returns the reasons why there are not enough attestations of a type by `signers` that fit.
fn signed_by(
    predicate_type: &str,
    signers: &Signers,
    facts: &DocumentFacts,
    objection: &impl Fn(&Value) -> Option<String>,
) -> Result<(), Vec<String>> {
    let of_type: Vec<_> = facts.attestations.iter().filter(|found| found.predicate_type == predicate_type).collect();
    let outcomes = signers.names.iter().map(|name| (name, by_key(name, &of_type, facts.now, objection)));
    let outcomes: BTreeMap<_, _> = outcomes.collect();
    // A newer attestation by one of the keys that does not fit contradicts those of the others, too.
    let newest_fit = outcomes.values().filter_map(|outcome| outcome.fits).max();
    let contradicted = outcomes.iter().find_map(|(name, outcome)| {
        let (time, reason) = outcome.newest_misfit.as_ref()?;
        (newest_fit.is_some_and(|fit| *time > fit) && time.0.is_some()).then(|| format!("by `{name}` {reason}"))
    });
    let missing = missing(signers, |name| outcomes[name].fits.is_some());
    if missing.is_empty() {
        return contradicted
            .map_or(Ok(()), |reason| Err(vec![format!("{reason}, and is newer than the one that fits")]));
    }
    let misfits: Vec<_> = missing
        .iter()
        .filter_map(|name| Some(format!("by `{name}` {}", outcomes[*name].newest_misfit.as_ref()?.1)))
        .collect();
    if !misfits.is_empty() {
        return Err(misfits);
    }
    let no = format!("by {}: there is none", named(&missing, &facts.keys, joint(signers)));
    Err(vec![match of_type.len() {
        0 => no,
        1 => format!("{no}; 1 by another key"),
        others => format!("{no}; {others} by other keys"),
    }])
}

/// The time that an attestation states. One without a time counts as the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Dated(Option<Timestamp>);

/// The attestations of a type by one key.
#[derive(Default)]
struct ByKey {
    /// The newest one that fits.
    fits: Option<Dated>,
    /// The newest one that does not fit, and the reason.
    newest_misfit: Option<(Dated, String)>,
}

fn by_key(
    name: &String,
    of_type: &[&AttestationFact],
    now: Timestamp,
    objection: &impl Fn(&Value) -> Option<String>,
) -> ByKey {
    let mut found = ByKey::default();
    for fact in of_type.iter().filter(|fact| fact.signers.contains(name)) {
        let time = Dated(time(&fact.predicate_type, &fact.predicate));
        match objection(&fact.predicate) {
            // One from the future would be newer than every later one.
            None => {
                let believed = Dated(time.0.filter(|time| !is_in_the_future(*time, now)));
                found.fits = found.fits.max(Some(believed));
            }
            Some(reason) => {
                if found.newest_misfit.as_ref().is_none_or(|(newest, _)| *newest < time) {
                    found.newest_misfit = Some((time, reason));
                }
            }
        }
    }
    found
}

/// Describes why `predicate` does not fit; `None` if it does.
fn objection(required: &RequiredAttestation, predicate: &Value) -> Option<String> {
    let builders = required.builders.as_ref().and_then(|builders| {
        let pointer = if required.predicate_type == PROVENANCE[0] { "/runDetails/builder/id" } else { "/builder/id" };
        not_among(builders, predicate.pointer(pointer), "has builder")
    });
    let results = || {
        let accepted = required.results.as_ref()?;
        match predicate.get("result") {
            Some(Value::String(_)) => not_among(accepted, predicate.get("result"), "says"),
            Some(_) => Some(format!("has a `result` that is not a text; it must be {}", accepted.join(" or "))),
            None => Some(format!("has no `result`; it must be {}", accepted.join(" or "))),
        }
    };
    let level = || required.at_most.and_then(|at_most| too_high(at_most, predicate));
    builders.or_else(results).or_else(level)
}

fn not_among(accepted: &[String], value: Option<&Value>, verb: &str) -> Option<String> {
    match value.and_then(Value::as_str) {
        Some(text) if accepted.iter().any(|one| one == text) => None,
        found => Some(format!("{verb} {}, not {}", found.map_or("nothing".to_owned(), shown), accepted.join(" or "))),
    }
}

/// A text of a predicate, limited in length and without control characters.
fn shown(text: &str) -> String {
    crate::problem::quoted(text).trim_matches('`').to_owned()
}

/// Describes why the level of a scan is not accepted. A level that is not known is never accepted, nor is one that is
/// lower than the level of a finding.
fn too_high(at_most: Ceiling, predicate: &Value) -> Option<String> {
    let text = predicate.get("level").and_then(Value::as_str).unwrap_or_default();
    let limit = at_most.map_or("clean", Level::as_str);
    let Some(level) = level(text) else { return Some(format!("says no known level, not at most {limit}")) };
    if level > at_most {
        return Some(format!("says {text}, not at most {limit}"));
    }
    let findings = predicate.get("findings").and_then(Value::as_array);
    findings.into_iter().flatten().find_map(|finding| {
        let found = finding.get("level").and_then(Value::as_str).unwrap_or_default();
        match self::level(found) {
            Some(found) if found <= level => None,
            Some(_) => Some(format!("says {text}, but has a finding of the level {found}")),
            None => Some(format!("says {text}, but has a finding without a known level")),
        }
    })
}

/// The level that a scan calls `text`; `None` if there is no such level.
fn level(text: &str) -> Option<Ceiling> {
    match text {
        "clean" => Some(None),
        "low" => Some(Some(Level::Low)),
        "medium" => Some(Some(Level::Medium)),
        "high" => Some(Some(Level::High)),
        _ => None,
    }
}

/// The time that a predicate states, for the types that have one.
fn time(predicate_type: &str, predicate: &Value) -> Option<Timestamp> {
    let pointers: &[&str] = match predicate_type {
        "https://slsa.dev/provenance/v1" => &["/runDetails/metadata/finishedOn", "/runDetails/metadata/startedOn"],
        "https://slsa.dev/provenance/v0.2" => &["/metadata/buildFinishedOn", "/metadata/buildStartedOn"],
        "https://cyclonedx.org/bom" => &["/metadata/timestamp"],
        "https://spdx.dev/Document" => &["/creationInfo/created"],
        "https://cosign.sigstore.dev/attestation/vuln/v1" => &["/metadata/scanFinishedOn", "/metadata/scanStartedOn"],
        "https://cosign.sigstore.dev/attestation/v1" => &["/Timestamp"],
        "https://openvex.dev/ns" => &["/last_updated", "/timestamp"],
        SCAN => &["/time"],
        _ => &[],
    };
    pointers.iter().find_map(|pointer| predicate.pointer(pointer)?.as_str()?.parse().ok())
}
