//! Judging a single manifest: an index without its ModelKits, or another form of a ModelKit.

use super::admission::Admission;
use super::content::scratch;
use super::judged::{Applied, enforce};
use super::subject::{Manifest, Reading, Subject, manifests};
use crate::oci::Descriptor;
use crate::ops::artifact::read;
use crate::ops::error::Error;
use crate::ops::session::{Located, Location, Session};
use crate::ops::trust::verified::VerifiedSource;
use crate::trust::policy::Name;

/// Fails if a policy does not allow the index that was found. Its ModelKits are not judged, because they are not used.
pub(crate) fn admit_index(session: &Session<'_>, found: &Located) -> Result<(), Error> {
    let (names, title) = (&*found.policy_names, &*found.title);
    if names.is_empty() {
        return Ok(());
    }
    admit_one(session, found, |descriptor| Manifest::Index(descriptor.clone()), &found.resolve()?, (names, title))
}

/// Fails if a policy does not allow `form`, another form of the ModelKit that was found, under the names `locations`.
pub fn admit_form(
    session: &Session<'_>,
    found: &Located,
    form: &Descriptor,
    locations: &[&Location],
) -> Result<(), Error> {
    for location in locations {
        let (name, title) = (location.policy_name(), location.with_digest(form.digest).to_string());
        let manifest = |descriptor: &Descriptor| match read(&*found.source, descriptor.clone(), &title) {
            Ok(inspected) => Manifest::ModelKit(Box::new(inspected)),
            Err(_) => Manifest::OtherForm(descriptor.clone()),
        };
        admit_one(session, found, manifest, form, (&[name], &title))?;
    }
    Ok(())
}

/// Fails if a policy does not allow the ModelKit that was found because it was recalled. Nothing else is judged: for
/// operations that use its digest and not its content.
pub(crate) fn admit_recalls(session: &Session<'_>, found: &Located) -> Result<(), Error> {
    let limited: Vec<_> = Applied::to(session.policies.load()?, &found.policy_names)
        .into_iter()
        .filter_map(|applied| match applied {
            Applied::Rule(policy, rule, pattern) if rule.heeds_recalls() => {
                Some((policy, rule.only_recalls(), pattern))
            }
            _ => None,
        })
        .collect();
    if limited.is_empty() {
        return Ok(());
    }
    let applied: Vec<_> = limited.iter().map(|(policy, rule, pattern)| Applied::Rule(policy, rule, pattern)).collect();
    let (source, time) = (&*found.source, session.policies.time());
    let layers = &VerifiedSource::new(source, scratch(session), &found.examined);
    let subject = Subject { source, layers, time, reading: Reading::UntilRefused };
    let manifests = manifests(source, found.resolve()?, &found.title);
    for manifest in manifests.map_err(|error| error.of_place(found.is_remote))? {
        let evaluated = subject.evaluate(&applied, &manifest)?;
        enforce(session, &found.title, evaluated.iter().map(|evaluated| &evaluated.judged))?;
    }
    Ok(())
}

/// Judges one manifest of `found` by all requirements.
fn admit_one(
    session: &Session<'_>,
    found: &Located,
    manifest: impl FnOnce(&Descriptor) -> Manifest,
    descriptor: &Descriptor,
    (names, title): (&[Name], &str),
) -> Result<(), Error> {
    let applied = Applied::to(session.policies.load()?, names);
    if applied.is_empty() {
        return Ok(());
    }
    let (source, time) = (&*found.source, session.policies.time());
    let layers = &VerifiedSource::new(source, scratch(session), &found.examined);
    let subject = Subject { source, layers, time, reading: Reading::UntilRefused };
    let manifest = manifest(descriptor);
    let evaluated = subject.evaluate(&applied, &manifest)?;
    enforce(session, title, evaluated.iter().map(|evaluated| &evaluated.judged))?;
    let mut admission = Admission::new(title);
    admission.hold(manifest, evaluated);
    admission.admit_content(session, found)
}
