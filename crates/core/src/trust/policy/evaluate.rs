//! The evaluation of a rule. It has no side effects and does not stop at the first failure.

use std::collections::BTreeMap;

use super::document::{AtLeast, Rule, ScanRule, Signers};
use super::facts::{ContentFacts, DocumentFacts, SignatureFact};
use super::verdict::{Requirement, Verdict};
use super::{approved, attested, content, licences, recalled};

/// Evaluates all requirements of `rule`.
pub fn evaluate(rule: &Rule, facts: &DocumentFacts, content: &ContentFacts) -> Verdict {
    let mut verdict = evaluate_documents(rule, facts);
    verdict.rows.extend(evaluate_content(rule, facts, content).rows);
    verdict
}

/// Evaluates the requirements that do not need the content of layers.
pub fn evaluate_documents(rule: &Rule, facts: &DocumentFacts) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(signers) = &rule.signed_by {
        signed(rule, signers, facts, &mut verdict);
    }
    for required in &rule.attestations {
        attested::attested(required, facts, &mut verdict);
    }
    for required in &rule.approvals {
        approved::approved(required, facts, &mut verdict);
    }
    recalled::recalled(rule, facts, &mut verdict);
    if let (true, Some(signers)) = (rule.files_signed, &rule.signed_by) {
        files_signed(signers, facts, &mut verdict);
    }
    if let Some(formats) = &rule.formats {
        content::formats(formats, &facts.weights, &mut verdict);
    }
    if let Some(allowed) = &rule.licences {
        let mut objections: Vec<_> =
            facts.licences.iter().filter_map(|fact| licences::objection(allowed, fact)).collect();
        if facts.licences.is_empty() && !allowed.allows_unknown {
            objections.push("no licence is given".to_owned());
        }
        if objections.is_empty() {
            verdict.satisfied(Requirement::Licences, "all licences are allowed");
        }
        for objection in objections {
            verdict.failed(Requirement::Licences, objection);
        }
    }
    verdict
}

/// Returns true if the evaluation needs the content of layers: a requirement is about it, and no signed scan replaces
/// scanning.
pub fn needs_content(rule: &Rule, facts: &DocumentFacts) -> bool {
    let is_scanned =
        |scan: &ScanRule| scan.by.as_ref().is_some_and(|by| attested::scanned(scan.at_most, by, facts).is_ok());
    let others = Rule { scan: None, ..rule.clone() };
    others.reads_content() || rule.formats.is_some() || rule.scan.as_ref().is_some_and(|scan| !is_scanned(scan))
}

/// Evaluates the requirements about the content of layers.
pub fn evaluate_content(rule: &Rule, facts: &DocumentFacts, content: &ContentFacts) -> Verdict {
    let mut verdict = Verdict::default();
    content::content(rule, facts, content, &mut verdict);
    verdict
}

fn signed(rule: &Rule, signers: &Signers, facts: &DocumentFacts, verdict: &mut Verdict) {
    let counting: Vec<_> = facts.signatures.iter().filter(|found| rule.legacy || !found.is_legacy).collect();
    let is_signed = |name: &String| counting.iter().any(|found| found.signers.contains(name));
    let missing = missing(signers, is_signed);
    if missing.is_empty() {
        let found: Vec<_> = signers.names.iter().filter(|name| is_signed(name)).collect();
        return verdict.satisfied(Requirement::SignedBy, format!("signed by {}", named(&found, &facts.keys, "and")));
    }
    let no = format!("no signature of {}", named(&missing, &facts.keys, joint(signers)));
    verdict.failed(Requirement::SignedBy, [no].into_iter().chain(others(rule, facts)).collect::<Vec<_>>().join("; "));
}

/// Returns the names that are still needed: none if `has` is true for enough of the signers.
pub(super) fn missing(signers: &Signers, has: impl Fn(&String) -> bool) -> Vec<&String> {
    let without: Vec<_> = signers.names.iter().filter(|name| !has(name)).collect();
    let is_enough = signers.at_least == AtLeast::Any && without.len() < signers.names.len();
    if is_enough { Vec::new() } else { without }
}

/// Describes the signatures that do not count.
fn others(rule: &Rule, facts: &DocumentFacts) -> Vec<String> {
    let legacy_of_known = |found: &&SignatureFact| !rule.legacy && found.is_legacy && !found.signers.is_empty();
    let (flawed, of_others): (Vec<_>, Vec<_>) =
        facts.signatures.iter().filter(|found| found.signers.is_empty()).partition(|found| found.flaw.is_some());
    let counted = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 signature {what}")),
        _ => Some(format!("{count} signatures {what}")),
    };
    let mut described: Vec<_> = [
        counted(of_others.len(), "of another key"),
        counted(facts.signatures.iter().filter(legacy_of_known).count(), "of the old kind, which the rule ignores"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut flaws: Vec<_> = flawed.into_iter().filter_map(|found| found.flaw.clone()).collect();
    flaws.dedup();
    described.extend(flaws.into_iter().map(|flaw| format!("1 invalid signature: {flaw}")));
    described
}

fn files_signed(signers: &Signers, facts: &DocumentFacts, verdict: &mut Verdict) {
    let is_signed =
        |name: &String| facts.files.iter().any(|found| found.signers.contains(name) && found.difference.is_none());
    let missing = missing(signers, is_signed);
    if missing.is_empty() {
        return verdict.satisfied(Requirement::FilesSigned, "the signed files are those of the ModelKit");
    }
    let no = format!("no statement about the files by {}", named(&missing, &facts.keys, joint(signers)));
    let by_them = facts.files.iter().filter(|found| missing.iter().any(|name| found.signers.contains(name)));
    let differences = by_them.filter_map(|found| found.difference.clone());
    verdict.failed(Requirement::FilesSigned, [no].into_iter().chain(differences).collect::<Vec<_>>().join("; "));
}

/// The word between the names of signers that are missing.
pub(super) fn joint(signers: &Signers) -> &'static str {
    match signers.at_least {
        AtLeast::Any => "or",
        AtLeast::All => "and",
    }
}

/// The names of keys with their descriptions: "`release` (ecdsa-p256 fd50f21f2fc7) or `ci`".
pub(super) fn named(names: &[&String], keys: &BTreeMap<String, String>, word: &str) -> String {
    let described = names.iter().map(|name| match keys.get(*name) {
        Some(description) => format!("`{name}` ({description})"),
        None => format!("`{name}`"),
    });
    described.collect::<Vec<_>>().join(&format!(" {word} "))
}
