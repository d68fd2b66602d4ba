//! The collector of the findings of one file.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::finding::{Finding, Level, Place};
use super::report::{Report, Skipped};
use super::secrets::redacted;
use crate::limits;

/// The maximum number of characters of a detail and of the name of a member.
const SHOWN_CHARS: usize = 80;

/// The rule of a file that has more of something than a limit allows.
const LIMIT: &str = "limit";

/// Collects findings, each once, and keeps track of the member that is being scanned.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The members from the file to the one that is being scanned.
    members: Vec<String>,
    report: Report,
    /// The hashes of the findings so far, without their places.
    seen: HashSet<u64>,
    hasher: RandomState,
    /// The number of findings of each level.
    counts: [usize; 3],
}

/// A point in the list of findings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    findings: usize,
    skipped: usize,
}

impl Findings {
    /// Adds a finding in the current member, unless it has the same rule and detail as an earlier one.
    ///
    /// The detail is escaped and shortened, and what looks like a secret is left out.
    pub(super) fn add(&mut self, level: Level, rule: &'static str, detail: &str, place: impl Into<Option<Place>>) {
        let (members, place) = (self.members.clone(), place.into());
        let finding = Finding { level, rule, members, detail: shown(detail), place };
        if !self.seen.contains(&self.hash(&finding)) && self.has_room(level) {
            self.seen.insert(self.hash(&finding));
            self.report.findings.push(finding);
        }
    }

    /// Adds a finding in the current member, unless it has the same rule, detail and place as an earlier one.
    pub(super) fn add_at(&mut self, level: Level, rule: &'static str, detail: &str, place: Option<Place>) {
        let (members, detail) = (self.members.clone(), shown(detail));
        let key = self.hasher.hash_one((level, rule, &members, &detail, place));
        if !self.seen.contains(&key) && self.has_room(level) {
            self.seen.insert(key);
            self.report.findings.push(Finding { level, rule, members, detail, place });
        }
    }

    /// Reports that the current member has more of `what` than a limit allows, so that not all of it was examined.
    pub(super) fn limit(&mut self, what: &str) {
        self.add(Level::Medium, LIMIT, what, None);
    }

    /// Records that the member `name` of the current one was not read.
    pub(super) fn skip(&mut self, name: &str, reason: &str) {
        if self.report.skipped.len() < limits::SCAN_FINDINGS {
            let members = self.members.iter().cloned().chain([shown(name)]).collect();
            self.report.skipped.push(Skipped { members, reason: reason.to_owned() });
        }
    }

    /// Records that the current member was not read completely.
    pub(super) fn skip_rest(&mut self, reason: &str) {
        if self.report.skipped.len() < limits::SCAN_FINDINGS {
            self.report.skipped.push(Skipped { members: self.members.clone(), reason: reason.to_owned() });
        }
    }

    /// Records that the current member is a pickle.
    pub(super) fn note_pickle(&mut self) {
        self.report.has_pickle = true;
    }

    /// Enters a member of the current file.
    pub(super) fn enter(&mut self, name: &str) {
        self.members.push(shown(name));
    }

    /// Leaves the member that was entered last.
    pub(super) fn leave(&mut self) {
        self.members.pop();
    }

    /// Returns the number of members around the current place.
    pub(super) fn depth(&self) -> usize {
        self.members.len()
    }

    /// Returns the point at which the next finding will be added.
    pub(super) fn mark(&self) -> Mark {
        Mark { findings: self.report.findings.len(), skipped: self.report.skipped.len() }
    }

    /// Returns the findings after `mark`.
    pub(super) fn since(&self, mark: Mark) -> &[Finding] {
        self.report.findings.get(mark.findings..).unwrap_or_default()
    }

    /// Removes the findings after `mark`.
    pub(super) fn forget_since(&mut self, mark: Mark) {
        while self.report.findings.len() > mark.findings {
            let Some(finding) = self.report.findings.pop() else { break };
            self.seen.remove(&self.hash(&finding));
            self.counts[finding.level as usize] -= 1;
        }
        self.report.skipped.truncate(mark.skipped);
    }

    pub(super) fn into_report(self) -> Report {
        self.report
    }

    fn hash(&self, finding: &Finding) -> u64 {
        self.hasher.hash_one((finding.level, finding.rule, &finding.members, &finding.detail))
    }

    /// Counts a finding, and returns false if there are too many of its level. The last one that fits says so.
    fn has_room(&mut self, level: Level) -> bool {
        let count = self.counts[level as usize] + 1;
        if count > limits::SCAN_FINDINGS {
            return false;
        }
        self.counts[level as usize] = count;
        true
    }
}

/// Returns a text from a file as it may be printed: without secrets, escaped and at most 80 characters long.
fn shown(text: &str) -> String {
    let text = redacted(text);
    let escaped = text.chars().flat_map(|c| match c {
        '"' | '\'' => c.escape_default().skip(1).collect::<Vec<_>>(),
        c => c.escape_debug().collect(),
    });
    let mut shown: String = escaped.take(SHOWN_CHARS + 1).collect();
    if shown.chars().count() > SHOWN_CHARS {
        shown = shown.chars().take(SHOWN_CHARS - 1).chain(['…']).collect();
    }
    shown
}
