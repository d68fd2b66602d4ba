//! Judging what an operation makes: it has no manifest yet.

use super::content::scan_options;
use super::judged::{Applied, Judged, enforce, judgement, refusal};
use crate::oci::Reference;
use crate::ops::error::{Error, reason};
use crate::ops::scan::{ScannedFolder, scan_folder};
use crate::ops::session::{Location, Session};
use crate::ops::trust::facts;
use crate::progress::{PolicyConsequence, Warning};
use crate::trust::policy::{ContentFacts, DocumentFacts, Name, Rule, Verdict, evaluate, evaluate_content};

/// Fails if a policy has a rule for `location`, because a form that is made now has neither signatures nor
/// attestations, and kit does not examine it.
pub(crate) fn admit_new_form(session: &Session<'_>, location: &Location, suffix: &str) -> Result<(), Error> {
    let reason = format!("kit cannot judge the new form `{suffix}`; promote a form that exists and is signed");
    refuse_where(session, &location.policy_name(), &location.to_string(), |_| true, &reason)
}

/// Fails if a rule for one of `references` has requirements about the content of files, which an import that stores no
/// files cannot judge.
pub(crate) fn refuse_unread(session: &Session<'_>, references: &[Reference]) -> Result<(), Error> {
    let reason = "an import that keeps each file as a layer of its own cannot check the content of files; import \
                  without `--push` and without `--layer-format raw`, then push";
    references.iter().try_for_each(|reference| {
        refuse_where(session, &Name::of(reference), &reference.to_string(), Rule::reads_content, reason)
    })
}

/// Fails if a policy does not allow the content of the files in `folder`, at `destination` or, without one, under the
/// names `references`.
pub fn admit_packing(
    session: &Session<'_>,
    folder: &ScannedFolder,
    references: &[Reference],
    destination: Option<&Location>,
) -> Result<(), Error> {
    match destination {
        Some(location) => admit_named(session, folder, [(location.policy_name(), location.to_string())]),
        None => admit_files(session, folder, references),
    }
}

/// Fails if a policy does not allow the content of the files in `folder`, which become a ModelKit with the names
/// `references`.
pub(crate) fn admit_files(
    session: &Session<'_>,
    folder: &ScannedFolder,
    references: &[Reference],
) -> Result<(), Error> {
    admit_named(session, folder, references.iter().map(|reference| (Name::of(reference), reference.to_string())))
}

fn admit_named(
    session: &Session<'_>,
    folder: &ScannedFolder,
    names: impl IntoIterator<Item = (Name, String)>,
) -> Result<(), Error> {
    let policies = session.policies.load()?;
    let mut content = None;
    for (name, title) in names {
        let applied = policies.iter().filter_map(|policy| Applied::of(policy, &name));
        let mut judged = Vec::new();
        for applied in applied.filter(|applied| applied.rule().is_some_and(Rule::reads_content)) {
            if content.is_none() {
                content = Some(facts::content_of_folder(folder, &scan_options(session), session.progress)?);
            }
            let facts = DocumentFacts::at(session.policies.time());
            let verdict =
                applied.rule().zip(content.as_ref()).map(|(rule, content)| evaluate_content(rule, &facts, content));
            let judgement = judgement(&applied, None);
            judged.push(Judged { verdict: verdict.unwrap_or_default(), ..judgement });
        }
        enforce(session, &title, judged.iter())?;
    }
    Ok(())
}

/// Warns of the requirements of policies for which the ModelKit that `folder` becomes would be refused at `location`.
/// It is not a failure: the policies are asked where the ModelKit is used.
///
/// Signatures and attestations are not required, because they are made after packing. Without a rule for the name
/// nothing is read.
pub fn warn_of_policies(session: &Session<'_>, folder: &ScannedFolder, location: &Location) {
    let (lines, consequence) = match unsatisfied(session, folder, &location.policy_name()) {
        Ok(judged) if judged.is_empty() => return,
        Ok(judged) => (refusal(&judged).to_string(), PolicyConsequence::RefusedLater),
        Err(error) => (reason(&error), PolicyConsequence::NotEvaluated),
    };
    let modelkit = &location.to_string();
    session.progress.warn(&Warning::PolicyNotSatisfied { modelkit, reason: lines, consequence });
}

/// Returns the judgements of the policies that do not allow what is packed from `folder` under `name`.
fn unsatisfied(session: &Session<'_>, folder: &ScannedFolder, name: &Name) -> Result<Vec<Judged>, Error> {
    let policies = session.policies.load()?;
    let applied: Vec<_> = policies.iter().filter_map(|policy| Applied::of(policy, name)).collect();
    let mut facts = DocumentFacts::at(session.policies.time());
    let mut content = ContentFacts::default();
    if applied.iter().filter_map(Applied::rule).any(|rule| rule.reads_content() || rule.formats.is_some()) {
        let scanned =
            scan_folder(folder, &folder.path.display().to_string(), &scan_options(session), session.progress)?;
        facts.weights = Ok(scanned.model_files.iter().filter_map(|(path, _)| facts::weight(path)).collect());
        content = facts::content_of(scanned);
    }
    facts.licences = folder.kitfile.as_ref().map(facts::licences).unwrap_or_default();
    let judge = |applied: &Applied<'_>| {
        let without_signatures =
            |rule: &Rule| Rule { signed_by: None, attestations: Vec::new(), files_signed: false, ..rule.clone() };
        let verdict = applied.rule().map(|rule| evaluate(&without_signatures(rule), &facts, &content));
        Judged { verdict: verdict.unwrap_or_default(), ..judgement(applied, None) }
    };
    Ok(applied.iter().map(judge).filter(|judged| !judged.allows()).collect())
}

/// Fails with `reason` if a policy has a rule for `name` for which `is_affected` is true.
fn refuse_where(
    session: &Session<'_>,
    name: &Name,
    title: &str,
    is_affected: impl Fn(&Rule) -> bool,
    reason: &str,
) -> Result<(), Error> {
    let policies = session.policies.load()?;
    let applied = policies.iter().filter_map(|policy| Applied::of(policy, name));
    let affected = applied.filter(|applied| applied.rule().is_none_or(&is_affected));
    let refused = affected.map(|applied| Judged { verdict: Verdict::refusal(reason), ..judgement(&applied, None) });
    enforce(session, title, refused.collect::<Vec<_>>().iter())
}
