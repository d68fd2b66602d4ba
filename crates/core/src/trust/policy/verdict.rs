//! The result of an evaluation: one row for each requirement.

use std::fmt;

/// A requirement of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requirement {
    /// The name needs a rule that matches it.
    Rule,
    /// A signature by the named keys.
    SignedBy,
    /// An attestation.
    Attestation,
    /// An approval in a role.
    Approval,
    /// No recall.
    Recalled,
    /// A signed statement about the files.
    FilesSigned,
    /// The formats of weights.
    Formats,
    /// The licences.
    Licences,
    /// The pickles.
    Pickle,
    /// Files that make a loader run code.
    RemoteCode,
    /// Credentials.
    Secrets,
    /// The level of all findings.
    Scan,
}

impl Requirement {
    /// The word in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::SignedBy => "signed-by",
            Self::Attestation => "attestation",
            Self::Approval => "approval",
            Self::Recalled => "recalled",
            Self::FilesSigned => "files-signed",
            Self::Formats => "format",
            Self::Licences => "licence",
            Self::Pickle => "pickle",
            Self::RemoteCode => "remote-code",
            Self::Secrets => "secret",
            Self::Scan => "scan",
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The outcome of a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is satisfied.
    Satisfied,
    /// It is not satisfied.
    Failed,
    /// It is not satisfied, and the rule only warns of that.
    Warned,
}

/// A requirement with its outcome and the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The requirement.
    pub requirement: Requirement,
    /// The outcome.
    pub outcome: Outcome,
    /// The reason, on one line.
    pub reason: String,
    /// The role of an approval that is missing.
    pub role: Option<String>,
    /// The people who can satisfy it, as far as they are known: owners, and the names of keys.
    pub ask: Vec<String>,
    /// The name of a version to use in place of one that was recalled. It is as the signer of the notice wrote it.
    pub instead: Option<String>,
}

impl Row {
    /// A requirement that is not satisfied.
    pub fn failed(requirement: Requirement, reason: impl Into<String>) -> Self {
        Self {
            requirement,
            outcome: Outcome::Failed,
            reason: reason.into(),
            role: None,
            ask: Vec::new(),
            instead: None,
        }
    }
}

/// The outcomes of all requirements that were evaluated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The rows, in the order of the rule's documentation.
    pub rows: Vec<Row>,
}

impl Verdict {
    /// A verdict that refuses for `reason`.
    pub fn refusal(reason: &str) -> Self {
        let mut verdict = Self::default();
        verdict.failed(Requirement::Rule, reason);
        verdict
    }

    /// Returns true if all requirements are satisfied.
    pub fn is_satisfied(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The requirements that are not satisfied.
    pub fn failures(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.outcome == Outcome::Failed)
    }

    /// The requirements that are not satisfied, and that the rule only warns of.
    pub fn warnings(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.outcome == Outcome::Warned)
    }

    pub(super) fn satisfied(&mut self, requirement: Requirement, reason: impl Into<String>) {
        self.rows.push(Row { outcome: Outcome::Satisfied, ..Row::failed(requirement, reason) });
    }

    pub(super) fn failed(&mut self, requirement: Requirement, reason: impl Into<String>) {
        self.rows.push(Row::failed(requirement, reason));
    }
}
