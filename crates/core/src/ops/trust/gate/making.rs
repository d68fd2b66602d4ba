//! Judging what an operation makes: it has no manifest yet.

use super::content::scan_options;
use super::judged::{Applied, Judged, enforce, judgement};
use crate::oci::Reference;
use crate::ops::error::Error;
use crate::ops::scan::ScannedFolder;
use crate::ops::session::{Location, Session};
use crate::ops::trust::facts;
use crate::trust::policy::{DocumentFacts, Name, Rule, Verdict, evaluate_content};

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
