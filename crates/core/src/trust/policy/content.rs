//! The evaluation of requirements about files: formats, pickles, code, credentials and findings.

use super::attested;
use super::document::{PickleRule, Rule, ScanRule, WeightFormat};
use super::facts::{ContentFacts, DisguisedFile, DocumentFacts, FileFinding, WeightFact};
use super::verdict::{Requirement, Verdict};
use crate::scan::Level;

/// The number of files that are named for one requirement.
const SHOWN: usize = 10;

/// Evaluates the formats of the files of models.
pub(super) fn formats(allowed: &[WeightFormat], weights: &Result<Vec<WeightFact>, String>, verdict: &mut Verdict) {
    let weights = match weights {
        Ok(weights) => weights,
        Err(reason) => return verdict.failed(Requirement::Formats, reason),
    };
    let refused = weights.iter().filter_map(|file| match file.format {
        Some(format) if allowed.contains(&format) => None,
        Some(format) => Some(format!("{}: {} is not allowed", file.path, format.as_str())),
        None => Some(format!("{}: its format is not known", file.path)),
    });
    report(Requirement::Formats, refused.collect(), "by their names, all files have allowed formats", verdict);
}

/// Evaluates the requirements about the content of `rule`.
pub(super) fn content(rule: &Rule, facts: &DocumentFacts, content: &ContentFacts, verdict: &mut Verdict) {
    if let Some(allowed) = &rule.formats {
        let is_refused = |file: &&DisguisedFile| !file.formats.iter().any(|format| allowed.contains(format));
        let refused = content.disguised.iter().filter(is_refused);
        let refused = refused.map(|file| format!("{}: {}", file.path, file.reason)).collect();
        report(Requirement::Formats, refused, "no content differs from what the name of its file says", verdict);
    }
    match rule.pickle {
        PickleRule::Allow => {}
        PickleRule::Listed => {
            let is_pickle = |found: &&FileFinding| found.finding.rule.starts_with("pickle-");
            let refused =
                content.findings.iter().filter(is_pickle).filter(|found| found.finding.level >= Level::Medium);
            let refused = refused.map(describe).chain(unread(content)).collect();
            report(Requirement::Pickle, refused, "pickles use only known names", verdict);
        }
        PickleRule::Forbid => {
            let refused = content.pickles.iter().map(|path| format!("{path}: is a pickle, or contains one"));
            let refused = refused.chain(unread(content)).collect();
            report(Requirement::Pickle, refused, "there is no pickle", verdict);
        }
    }
    if rule.forbids_remote_code {
        let is_code = |found: &&FileFinding| found.finding.rule == "remote-code";
        let refused = content.findings.iter().filter(is_code).map(describe).chain(unread(content)).collect();
        report(Requirement::RemoteCode, refused, "no file makes a loader run code", verdict);
    }
    if rule.forbids_secrets {
        let is_secret = |found: &&FileFinding| found.finding.rule == "secret" && found.finding.level == Level::High;
        let refused = content.findings.iter().filter(is_secret).map(describe).chain(unread(content)).collect();
        report(Requirement::Secrets, refused, "no credential was found", verdict);
    }
    if let Some(scan) = &rule.scan {
        scanned(scan, facts, content, verdict);
    }
}

/// Evaluates the level of all findings, or a signed scan in their place.
fn scanned(rule: &ScanRule, facts: &DocumentFacts, content: &ContentFacts, verdict: &mut Verdict) {
    let signed = rule.by.as_ref().map(|by| attested::scanned(rule.at_most, by, facts));
    if let Some(Ok(())) = signed {
        return verdict.satisfied(Requirement::Scan, "a signed scan fits");
    }
    let refused = content.findings.iter().filter(|found| Some(found.finding.level) > rule.at_most);
    let refused = refused.map(describe).chain(unread(content)).collect();
    let limit = rule.at_most.map_or("clean", Level::as_str);
    report(Requirement::Scan, refused, &format!("no finding above {limit}"), verdict);
}

/// Describes the files that were not examined: they may contain anything.
fn unread(content: &ContentFacts) -> impl Iterator<Item = String> {
    content.unread.iter().map(|(path, reason)| format!("{path}: not examined, {reason}"))
}

fn describe(found: &FileFinding) -> String {
    let members: Vec<_> = found.finding.members.iter().map(|member| format!("!{member}")).collect();
    format!("{}{}: {} ({})", found.path, members.concat(), found.finding.detail, found.finding.rule)
}

fn report(requirement: Requirement, refused: Vec<String>, satisfied: &str, verdict: &mut Verdict) {
    let more = refused.len().saturating_sub(SHOWN);
    if refused.is_empty() {
        verdict.satisfied(requirement, satisfied);
    }
    for reason in refused.into_iter().take(SHOWN) {
        verdict.failed(requirement, reason);
    }
    if more > 0 {
        verdict.failed(requirement, format!("and {more} more"));
    }
}
