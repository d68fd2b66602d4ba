//! The evaluation of rules for the manifests of an artifact.

use jiff::Timestamp;

use super::judged::{Applied, Judged, judgement};
use crate::modelkit::ContentsTable;
use crate::oci::{Companion, Descriptor, Source};
use crate::ops::artifact::{Artifact, Inspected, read};
use crate::ops::error::Error;
use crate::ops::policies::LoadedPolicy;
use crate::ops::trust::candidates::{Candidates, candidates};
use crate::ops::trust::facts::{self, Beside};
use crate::ops::trust::verified::VerifiedSource;
use crate::ops::workers;
use crate::trust::policy::{
    ContentFacts, DocumentFacts, FilesFact, LicenceFact, PickleRule, Rule, evaluate_content, evaluate_documents,
    needs_content,
};

/// The amount that is read of a ModelKit that is refused anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Nothing after the first failure that needs more.
    UntilRefused,
    /// Everything that a rule asks for.
    Everything,
}

/// The documents of a manifest.
pub(super) enum Manifest {
    ModelKit(Box<Inspected>),
    /// An index, without its members.
    Index(Descriptor),
    /// Another form of a ModelKit, whose layers are not examined.
    OtherForm(Descriptor),
}

impl Manifest {
    fn descriptor(&self) -> &Descriptor {
        match self {
            Self::ModelKit(inspected) => &inspected.descriptor,
            Self::Index(descriptor) | Self::OtherForm(descriptor) => descriptor,
        }
    }
}

/// Reads the manifest `root`: a ModelKit, or an index and then all of its ModelKits.
pub(super) fn manifests(source: &dyn Source, root: Descriptor, title: &str) -> Result<Vec<Manifest>, Error> {
    let index = match Artifact::read(source, root.clone(), title) {
        Ok(Artifact::ModelKit(inspected)) => return Ok(vec![Manifest::ModelKit(inspected)]),
        Ok(Artifact::Index(index)) => index,
        Err(Error::NotAModelKit { .. }) => return Ok(vec![Manifest::OtherForm(root)]),
        Err(error) => return Err(error),
    };
    let members = workers::run(workers::jobs(), index.index.variants(), |variant| {
        read(source, variant.descriptor(), &variant.digest.to_string())
    })?;
    let members = members.into_iter().map(|inspected| Manifest::ModelKit(Box::new(inspected)));
    Ok([Manifest::Index(index.descriptor)].into_iter().chain(members).collect())
}

/// A rule with the facts about a manifest, and the judgement by its documents.
pub(super) struct Evaluated {
    /// The rule and the facts; `None` if no rule applies.
    by: Option<(Rule, DocumentFacts)>,
    pub(super) judged: Judged,
}

impl Evaluated {
    pub(super) fn needs_content(&self) -> bool {
        self.by.as_ref().is_some_and(|(rule, facts)| needs_content(rule, facts))
    }

    /// The judgement by the content alone.
    pub(super) fn judge_content(&self, content: &ContentFacts) -> Judged {
        let verdict = self.by.as_ref().map(|(rule, facts)| evaluate_content(rule, facts, content));
        Judged { verdict: verdict.unwrap_or_default(), ..self.judged.clone() }
    }
}

/// A ModelKit that is judged.
pub(super) struct Subject<'a> {
    pub(super) source: &'a dyn Source,
    /// The source of layers that have no table of contents.
    pub(super) layers: &'a VerifiedSource<'a>,
    pub(super) time: Timestamp,
    pub(super) reading: Reading,
}

impl Subject<'_> {
    /// Evaluates the requirements that do not need the content of layers.
    pub(super) fn evaluate(&self, applied: &[Applied<'_>], manifest: &Manifest) -> Result<Vec<Evaluated>, Error> {
        let descriptor = manifest.descriptor();
        let rules: Vec<_> = applied.iter().filter_map(Applied::rule).collect();
        let candidates = self.candidates(&rules, descriptor)?;
        let evaluate = |applied: &Applied<'_>| {
            let mut judged = judgement(applied, Some(descriptor));
            let Applied::Rule(policy, rule, _) = applied else { return Ok(Evaluated { by: None, judged }) };
            let rule = limited_to(rule, manifest);
            let facts = self.documents((policy, &rule), manifest, &candidates)?;
            judged.verdict = evaluate_documents(&rule, &facts);
            if let Manifest::OtherForm(_) = manifest {
                let unread = vec![("the image".to_owned(), "its layers are not those of a ModelKit".to_owned())];
                let content = ContentFacts { unread, ..ContentFacts::default() };
                judged.verdict.rows.extend(evaluate_content(&rule, &facts, &content).rows);
            }
            Ok(Evaluated { by: Some((rule, facts)), judged })
        };
        applied.iter().map(evaluate).collect()
    }

    /// Reads what is beside the manifest, if a rule asks for it.
    fn candidates(&self, rules: &[&Rule], descriptor: &Descriptor) -> Result<Candidates, Error> {
        if !rules.iter().any(|rule| rule.reads_referrers()) {
            return Ok(Candidates::default());
        }
        let mut companions = Vec::new();
        if rules.iter().any(|rule| rule.signed_by.is_some() && rule.legacy) {
            companions.push(Companion::Signatures);
        }
        if rules.iter().any(|rule| !rule.attestations.is_empty() || rule.scan.is_some()) {
            companions.push(Companion::Attestations);
        }
        candidates(self.source, descriptor, &companions)
    }

    fn documents(
        &self,
        (policy, rule): (&LoadedPolicy, &Rule),
        manifest: &Manifest,
        candidates: &Candidates,
    ) -> Result<DocumentFacts, Error> {
        let mut facts = DocumentFacts::at(self.time);
        let subject = manifest.descriptor().digest;
        let beside = Beside { policy, rule, subject, candidates: &candidates.found };
        beside.add_to(&mut facts);
        facts.is_cut_off = candidates.is_cut_off;
        let Manifest::ModelKit(inspected) = manifest else {
            facts.weights = Err("the files of an image are not known".to_owned());
            facts.licences = vec![LicenceFact { subject: "the image".to_owned(), licence: None }];
            return Ok(facts);
        };
        facts.licences = facts::licences(&inspected.modelkit.config.kitfile);
        if rule.formats.is_some() {
            facts.weights = facts::weights(self.source, &inspected.modelkit, false)?;
            let others = Rule { formats: None, files_signed: false, ..rule.clone() };
            if facts.weights.is_err() && self.reads_layers(&others, &facts) {
                facts.weights = facts::weights(self.layers, &inspected.modelkit, true)?;
            }
        }
        if rule.files_signed {
            let has_tables =
                inspected.modelkit.layers.iter().all(|layer| ContentsTable::of(&layer.descriptor).is_some());
            let others = Rule { files_signed: false, ..rule.clone() };
            let signed = beside.signed_files();
            facts.files = if has_tables || self.reads_layers(&others, &facts) {
                facts::compared_files(self.layers, &inspected.modelkit, signed)?
            } else {
                let difference =
                    Some("its files were not compared, because a layer has no table of contents".to_owned());
                signed.into_iter().map(|(signers, _)| FilesFact { signers, difference: difference.clone() }).collect()
            };
        }
        Ok(facts)
    }

    /// Returns true if layers are opened for a requirement: only if `others` do not refuse the ModelKit anyway.
    fn reads_layers(&self, others: &Rule, facts: &DocumentFacts) -> bool {
        self.reading == Reading::Everything || evaluate_documents(others, facts).is_satisfied()
    }
}

/// The part of `rule` that applies to a manifest: an index has signatures, but neither content nor licences.
fn limited_to(rule: &Rule, manifest: &Manifest) -> Rule {
    let rule = rule.clone();
    match manifest {
        Manifest::ModelKit(_) | Manifest::OtherForm(_) => rule,
        Manifest::Index(_) => {
            let rule = Rule { pickle: PickleRule::Allow, forbids_remote_code: false, ..rule };
            let rule = Rule { forbids_secrets: false, scan: None, ..rule };
            let rule = Rule { attestations: Vec::new(), approvals: Vec::new(), ..rule };
            Rule { files_signed: false, formats: None, licences: None, ..rule }
        }
    }
}
