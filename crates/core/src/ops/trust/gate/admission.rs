//! Judging a ModelKit before an operation uses it.

use super::content::{content, scratch};
use super::judged::{Applied, Judged, enforce};
use super::subject::{Evaluated, Manifest, Reading, Subject, manifests};
use crate::oci::{Descriptor, Reference, Source};
use crate::ops::artifact::Inspected;
use crate::ops::error::Error;
use crate::ops::examined::Examined;
use crate::ops::session::{Located, Location, Session};
use crate::ops::trust::verified::VerifiedSource;
use crate::trust::policy::{ContentFacts, Mode, Name};

/// Fails if a policy does not allow the ModelKit that was found, or one of the ModelKits in an index. A rule with the
/// mode `warn` is reported as a warning.
///
/// Without a rule for its name nothing is read. `found` resolves its name once, so that the caller uses the manifest
/// that was judged.
pub fn admit(session: &Session<'_>, found: &Located) -> Result<(), Error> {
    admit_documents(session, found)?.admit_content(session, found)
}

/// Fails like [`admit`], but fetches content from `source`, which has the same and may fetch less of it.
pub(crate) fn admit_from(session: &Session<'_>, found: &Located, source: &dyn Source) -> Result<(), Error> {
    admit_documents(session, found)?.admit_content_from(session, found, source)
}

/// Returns true if a policy has a rule for one of the names `locations`, or refuses it without one.
pub fn is_policy_asked(session: &Session<'_>, locations: &[&Location]) -> Result<bool, Error> {
    let policies = session.policies.load()?;
    let names: Vec<_> = locations.iter().map(|location| location.policy_name()).collect();
    Ok(policies.iter().any(|policy| names.iter().any(|name| Applied::of(policy, name).is_some())))
}

/// Returns true if a policy requires signatures or attestations at `location`.
pub fn requires_attached(session: &Session<'_>, location: &Location) -> Result<bool, Error> {
    let (policies, name) = (session.policies.load()?, location.policy_name());
    let applied = policies.iter().filter_map(|policy| Applied::of(policy, &name)?.rule());
    let mut rules = applied.filter(|rule| rule.mode == Mode::Enforce && rule.reads_referrers());
    Ok(rules.next().is_some())
}

/// Fails like [`admit`], but does not judge the content of layers: for operations that show files and write none.
pub fn admit_to_read(session: &Session<'_>, found: &Located) -> Result<(), Error> {
    admit_documents(session, found).map(drop)
}

/// Fails like [`admit`] if a policy does not allow the ModelKit under its own name or under the name `location`, to
/// which it is copied. Its content is read once.
pub fn admit_copy(session: &Session<'_>, found: &Located, location: &Location) -> Result<(), Error> {
    let own = admit_documents(session, found)?;
    let (name, title) = (location.policy_name(), location.to_string());
    if found.policy_names.contains(&name) {
        return own.admit_content(session, found);
    }
    let other = judge(session, (&*found.source, &found.examined), || found.resolve(), (&[name], &title))?;
    own.and(other).admit_content(session, found)
}

/// Fails like [`admit`] if the ModelKit that was found, or a form of it, gets the name `target` in another repository
/// of the local store, where the rule for its own name does not apply any more.
pub(crate) fn admit_renaming(session: &Session<'_>, found: &Located, target: &Reference) -> Result<(), Error> {
    let name = Name::of(target);
    let has_other_name = found.policy_names.iter().any(|known| *known != Name::Local && *known != name);
    if has_other_name { admit(session, found) } else { Ok(()) }
}

/// Fails like [`admit`], but leaves the requirements about the content of layers to the caller.
pub(crate) fn admit_documents(session: &Session<'_>, found: &Located) -> Result<Admission, Error> {
    let source = (&*found.source, &found.examined);
    judge(session, source, || found.resolve(), (&found.policy_names, &found.title))
}

/// Judges the manifest that `resolve` returns under `names`, and enforces the requirements that do not need the content
/// of layers.
pub(crate) fn judge(
    session: &Session<'_>,
    (source, examined): (&dyn Source, &Examined),
    resolve: impl FnOnce() -> Result<Descriptor, Error>,
    (names, title): (&[Name], &str),
) -> Result<Admission, Error> {
    let applied = Applied::to(session.policies.load()?, names);
    let mut admission = Admission::new(title);
    if applied.is_empty() {
        return Ok(admission);
    }
    let layers = &VerifiedSource::new(source, scratch(session), examined);
    let subject = Subject { source, layers, time: session.policies.time(), reading: Reading::UntilRefused };
    for manifest in manifests(source, resolve()?, title)? {
        let evaluated = subject.evaluate(&applied, &manifest)?;
        enforce(session, title, evaluated.iter().map(|evaluated| &evaluated.judged))?;
        admission.hold(manifest, evaluated);
    }
    Ok(admission)
}

/// The requirements of an operation that depend on the content of layers.
#[must_use]
pub(crate) struct Admission {
    title: String,
    pending: Vec<Pending>,
}

/// A ModelKit whose content is not judged yet.
struct Pending {
    title: String,
    inspected: Box<Inspected>,
    evaluated: Vec<Evaluated>,
}

impl Admission {
    /// The admission of the ModelKit `title`, of which nothing depends on the content yet.
    pub(super) fn new(title: &str) -> Self {
        Self { title: title.to_owned(), pending: Vec::new() }
    }

    /// Adds what depends on the content of `manifest`.
    pub(super) fn hold(&mut self, manifest: Manifest, evaluated: Vec<Evaluated>) {
        if let Manifest::ModelKit(inspected) = manifest
            && evaluated.iter().any(Evaluated::needs_content)
        {
            self.pending.push(Pending { title: self.title.clone(), inspected, evaluated });
        }
    }

    /// Adds the requirements of another admission.
    fn and(mut self, other: Self) -> Self {
        self.pending.extend(other.pending);
        self
    }

    /// Fails if a policy does not allow the content of the ModelKit that was found. Content from a registry is verified
    /// before it is judged.
    pub(crate) fn admit_content(self, session: &Session<'_>, found: &Located) -> Result<(), Error> {
        self.admit_content_from(session, found, &*found.source)
    }

    /// Fails like [`admit_content`](Self::admit_content), with the bytes of `source`.
    fn admit_content_from(self, session: &Session<'_>, found: &Located, source: &dyn Source) -> Result<(), Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if found.is_remote {
            let source = VerifiedSource::new(source, scratch(session), &found.examined);
            return self.admit_content_in(session, (&source, &found.examined));
        }
        self.admit_content_in(session, (source, &found.examined))
    }

    /// Fails if a policy does not allow the content, which the source holds.
    pub(crate) fn admit_content_in(self, session: &Session<'_>, source: (&dyn Source, &Examined)) -> Result<(), Error> {
        for Pending { title, inspected, evaluated } in self.pending {
            let content = content(session, source, &inspected)?;
            let judged: Vec<_> = evaluated.iter().map(|evaluated| evaluated.judge_content(&content)).collect();
            enforce(session, &title, judged.iter())?;
        }
        Ok(())
    }
}

/// Judges the ModelKit that was found by all requirements of its rules, and enforces none.
pub fn check_policies(session: &Session<'_>, found: &Located) -> Result<Vec<Judged>, Error> {
    examine(session, found, &found.policy_names, Reading::Everything)
}

/// Judges the ModelKit that was found under the name `name`, and enforces nothing. If its documents do not satisfy the
/// rules, its content is not read, and the requirements about it are missing.
pub(crate) fn examine_as(session: &Session<'_>, found: &Located, name: &Name) -> Result<Vec<Judged>, Error> {
    examine(session, found, std::slice::from_ref(name), Reading::UntilRefused)
}

fn examine(session: &Session<'_>, found: &Located, names: &[Name], reading: Reading) -> Result<Vec<Judged>, Error> {
    let applied = Applied::to(session.policies.load()?, names);
    if applied.is_empty() {
        return Ok(Vec::new());
    }
    let layers = &VerifiedSource::new(&*found.source, scratch(session), &found.examined);
    let source = if found.is_remote { layers as &dyn Source } else { &*found.source };
    let subject = Subject { source: &*found.source, layers, time: session.policies.time(), reading };
    let is_refused = |judged: &Judged| judged.mode == Mode::Enforce && !judged.allows();
    let mut all = Vec::new();
    let manifests = manifests(&*found.source, found.resolve()?, &found.title);
    for manifest in manifests.map_err(|error| error.of_place(found.is_remote))? {
        let mut evaluated = subject.evaluate(&applied, &manifest)?;
        let ends_here = reading == Reading::UntilRefused && evaluated.iter().any(|it| is_refused(&it.judged));
        if let Manifest::ModelKit(inspected) = &manifest
            && !ends_here
        {
            let needs_content = evaluated.iter().any(Evaluated::needs_content);
            let content = needs_content.then(|| content(session, (source, &found.examined), inspected)).transpose()?;
            for evaluated in &mut evaluated {
                let of_content = evaluated.judge_content(content.as_ref().unwrap_or(&ContentFacts::default()));
                evaluated.judged.verdict.rows.extend(of_content.verdict.rows);
            }
        }
        all.extend(evaluated.into_iter().map(|evaluated| evaluated.judged));
    }
    Ok(all)
}
