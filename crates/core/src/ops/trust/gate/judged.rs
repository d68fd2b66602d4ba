//! The part of a policy that applies to a name, and its verdict.

use crate::digest::Digest;
use crate::oci::Descriptor;
use crate::ops::error::Error;
use crate::ops::policies::{LoadedPolicy, PolicyError, Refusal, RefusedBy};
use crate::ops::session::Session;
use crate::progress::{PolicyConsequence, Warning};
use crate::trust::policy::{Mode, Name, Pattern, Row, Rule, Unmatched, Verdict};

/// The verdict of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The pattern of the rule that applies; `None` if no rule does and the policy refuses such names.
    pub pattern: Option<String>,
    /// The file of the policy.
    pub file: String,
    /// The digest of this file.
    pub policy: Digest,
    /// The line of the rule, or of `default`.
    pub line: usize,
    /// The consequence of a failure.
    pub mode: Mode,
    /// The manifest that was judged, if there is one yet.
    pub manifest: Option<Descriptor>,
    /// The requirements with their outcomes.
    pub verdict: Verdict,
}

impl Judged {
    /// Returns true if the policy allows the manifest.
    pub fn allows(&self) -> bool {
        self.pattern.is_some() && self.verdict.is_satisfied()
    }

    fn refused(&self) -> RefusedBy {
        self.refused_for(self.verdict.failures().cloned().collect())
    }

    fn refused_for(&self, failures: Vec<Row>) -> RefusedBy {
        RefusedBy { pattern: self.pattern.clone(), file: self.file.clone(), line: self.line, failures }
    }

    /// The requirements that are not satisfied, and that the rule only warns of.
    fn warned(&self) -> Option<RefusedBy> {
        let rows: Vec<_> = self.verdict.warnings().cloned().collect();
        (!rows.is_empty()).then(|| self.refused_for(rows))
    }
}

/// The part of a policy that applies to a name.
pub(in crate::ops::trust) enum Applied<'a> {
    /// A rule that is evaluated.
    Rule(&'a LoadedPolicy, &'a Rule, &'a Pattern),
    /// No rule, and the policy refuses such names.
    Refused(&'a LoadedPolicy),
}

impl<'a> Applied<'a> {
    pub(in crate::ops::trust) fn of(loaded: &'a LoadedPolicy, name: &Name) -> Option<Self> {
        match loaded.policy.rule_for(name) {
            Some((rule, _)) if rule.mode == Mode::Off => None,
            Some((rule, pattern)) => Some(Self::Rule(loaded, rule, pattern)),
            None if loaded.policy.unmatched == Unmatched::Refuse => Some(Self::Refused(loaded)),
            None => None,
        }
    }

    /// The parts of all policies that apply to one of `names`, each once.
    pub(in crate::ops::trust) fn to(policies: &'a [LoadedPolicy], names: &[Name]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for applied in policies.iter().flat_map(|policy| names.iter().filter_map(|name| Self::of(policy, name))) {
            if all.iter().all(|known| known.place() != applied.place()) {
                all.push(applied);
            }
        }
        all
    }

    /// The file and the line of the rule.
    fn place(&self) -> (&str, Option<usize>) {
        match self {
            Self::Rule(policy, rule, _) => (&policy.policy.file, Some(rule.line)),
            Self::Refused(policy) => (&policy.policy.file, None),
        }
    }

    pub(in crate::ops::trust) fn rule(&self) -> Option<&'a Rule> {
        match self {
            Self::Rule(_, rule, _) => Some(rule),
            Self::Refused(_) => None,
        }
    }
}

/// A judgement without any rows yet.
pub(super) fn judgement(applied: &Applied<'_>, manifest: Option<&Descriptor>) -> Judged {
    let (policy, pattern, line, mode) = match applied {
        Applied::Rule(policy, rule, pattern) => (policy, Some(pattern.to_string()), rule.line, rule.mode),
        Applied::Refused(policy) => (policy, None, policy.policy.unmatched_line.unwrap_or(1), Mode::Enforce),
    };
    let (file, manifest) = (policy.policy.file.clone(), manifest.cloned());
    Judged { pattern, file, policy: policy.digest, line, mode, manifest, verdict: Verdict::default() }
}

/// The rules of these judgements with the requirements that are not satisfied.
pub(super) fn refusal<'j>(judged: impl IntoIterator<Item = &'j Judged>) -> Refusal {
    Refusal { rules: judged.into_iter().map(Judged::refused).collect() }
}

/// Fails if a rule is enforced and not satisfied, and warns of the others that are not satisfied.
pub(crate) fn enforce<'j>(
    session: &Session<'_>,
    title: &str,
    judged: impl Iterator<Item = &'j Judged>,
) -> Result<(), Error> {
    let judged: Vec<_> = judged.collect();
    for warned in judged.iter().filter_map(|judged| judged.warned()) {
        let reason = Refusal { rules: vec![warned] }.to_string();
        let consequence = PolicyConsequence::Warned;
        session.progress.warn(&Warning::PolicyNotSatisfied { modelkit: title, reason, consequence });
    }
    let (enforced, warned): (Vec<_>, Vec<_>) =
        judged.into_iter().filter(|judged| !judged.allows()).partition(|judged| judged.mode == Mode::Enforce);
    if !warned.is_empty() {
        let (reason, consequence) = (refusal(warned).to_string(), PolicyConsequence::Warned);
        session.progress.warn(&Warning::PolicyNotSatisfied { modelkit: title, reason, consequence });
    }
    if enforced.is_empty() {
        return Ok(());
    }
    Err(PolicyError::NotAllowed { name: title.to_owned(), source: refusal(enforced) }.into())
}
