//! Pulling a ModelKit or an index into the local store, with the ModelKits that their models refer to.

use std::convert::Infallible;

use super::copy::{Copied, CopyOptions, copy_unless};
use super::plan::{Plan, PlanTarget, plan};
use super::referrers::Carry;
use crate::modelkit::{ContentsTable, Label};
use crate::oci::{Descriptor, Manifest, Reference, Source, Target};
use crate::ops::artifact::{Parent, inspect, inspect_index, modelkits, parents};
use crate::ops::error::Error;
use crate::ops::session::{Located, Location, Lookup, Session};
use crate::ops::transfer::delta::{DeltaSource, Fetch, Older, older};
use crate::ops::trust::{Admission, admit_documents, admit_to_read, requires_attached, warn_of_recalls_of};
use crate::ops::workers;
use crate::progress::Event;
use crate::store::Names;

/// The artifact to pull.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// The ModelKit; with labels, the one in the index that has all of them.
    ModelKit(&'a [Label]),
    /// An index with all its ModelKits.
    WholeIndex,
}

/// Copies the `wanted` artifact of `source` into the store as `name`.
///
/// ModelKits that a model refers to are copied first, each into its own repository, so that the local store can be used
/// without the registry.
pub fn pull(
    session: &Session<'_>,
    (source, wanted): (&Location, Wanted<'_>),
    name: &Reference,
    fetch: Fetch,
    options: &CopyOptions,
) -> Result<Copied, Error> {
    if options.jobs == 1 {
        let found = find(session, source, wanted)?;
        return bring_all(session, (source, wanted), &found, name, (fetch, options));
    }
    if let Location::Artifact(reference) = source
        && !reference.is_local()
    {
        // For the list of referrers and a table of contents, which are requested beside the config.
        Source::open_ahead(&session.client.repository(reference), AHEAD);
    }
    let found = find(session, source, wanted)?;
    let manifest = found.resolve()?;
    let missing = missing_blobs(session, &found, &manifest, name);
    // The referrers need two connections more than those that are open.
    found.source.open_ahead((missing.len() + 2).saturating_sub(AHEAD + 1).min(options.jobs - 1));
    let work = || bring_all(session, (source, wanted), &found, name, (fetch, options));
    workers::both(work, || look_ahead(&found, &manifest, &missing, options)).0
}

/// The number of connections that are opened while the manifest is read.
const AHEAD: usize = 2;

/// Reads what is needed after the config, while another thread reads that: the list of referrers, and the tables of
/// contents of the `missing` layers.
fn look_ahead(found: &Located, manifest: &Descriptor, missing: &[Descriptor], options: &CopyOptions) {
    let tables = missing.iter().filter_map(|layer| ContentsTable::of(layer)?.blob().cloned());
    let all: Vec<_> = [None].into_iter().chain(tables.map(Some)).collect();
    let Ok(_) = workers::run(options.jobs, &all, |table| {
        match table {
            Some(table) => found.source.read_ahead(table),
            None => found.source.list_ahead(manifest),
        }
        Ok::<_, Infallible>(())
    });
}

/// Copies the ModelKits that `found` refers to, and then `found` itself as `name`.
fn bring_all(
    session: &Session<'_>,
    (source, wanted): (&Location, Wanted<'_>),
    found: &Located,
    name: &Reference,
    (fetch, options): (Fetch, &CopyOptions),
) -> Result<Copied, Error> {
    let parents = find_parents(session, source, (found, wanted))?;
    let wrong =
        |parent: &Parent, source| Error::Parent { reference: parent.reference.to_string(), source: Box::new(source) };
    // All are judged before the first layer of any of them is fetched.
    let admission = admit_documents(session, found)?;
    let admit = |parent: &Parent| admit_documents(session, &parent.found).map_err(|error| wrong(parent, error));
    let admissions = parents.iter().map(admit).collect::<Result<Vec<_>, _>>()?;
    for (parent, admission) in parents.iter().zip(admissions) {
        session.progress.report(&Event::PullingReference { reference: &parent.reference.to_string() });
        let brought = bring(session, (&parent.found, admission), &parent.reference, fetch, options);
        brought.map_err(|error| wrong(parent, error).of_place(parent.found.is_remote))?;
    }
    bring(session, (found, admission), name, fetch, options).map_err(|error| error.of_place(found.is_remote))
}

/// The blobs of the ModelKit `manifest` that the store does not have; none for an index. A failure is left to the copy.
fn missing_blobs(session: &Session<'_>, found: &Located, manifest: &Descriptor, name: &Reference) -> Vec<Descriptor> {
    let parsed = found.source.manifest(manifest).ok().and_then(|bytes| Manifest::parse(&bytes).ok());
    // Not a writer, which would create the store before the policies are asked.
    let (Some(parsed), Ok(_here)) = (parsed, session.store.reader(Names::Of(name.clone()))) else { return Vec::new() };
    parsed.blobs().filter(|blob| session.store.holds(blob).is_ok_and(|is_here| !is_here)).cloned().collect()
}

/// Returns the plan of a [`pull`], each part with its name: first the referenced ModelKits, in the order in which they
/// would be fetched, then the `wanted` artifact of `source`. Changes nothing.
pub fn plan_pull(
    session: &Session<'_>,
    (source, wanted): (&Location, Wanted<'_>),
    options: &CopyOptions,
) -> Result<Vec<(String, Plan)>, Error> {
    let found = find(session, source, wanted)?;
    let parents = find_parents(session, source, (&found, wanted))?;
    admit_to_read(session, &found)?;
    parents.iter().try_for_each(|parent| admit_to_read(session, &parent.found))?;
    let parents = parents.iter().map(|parent| (parent.reference.to_string(), &parent.found));
    let all = parents.chain([(source.to_string(), &found)]);
    let look = PlanTarget::Store(&session.store);
    all.map(|(name, found)| Ok((name, plan(&*found.source, &found.name, &look, options)?))).collect()
}

/// Finds the `wanted` artifact of `source`.
fn find(session: &Session<'_>, source: &Location, wanted: Wanted<'_>) -> Result<Located, Error> {
    match (source, wanted) {
        (Location::Artifact(reference), _) if reference.is_local() => Err(Error::NoRegistry(reference.clone())),
        (_, Wanted::ModelKit(labels)) => session.find_labelled(source, Lookup::Remote, labels),
        (_, Wanted::WholeIndex) => session.find(source, Lookup::Remote),
    }
}

/// Finds the ModelKits that the artifact `found` of `source` refers to, without duplicates.
fn find_parents(
    session: &Session<'_>,
    source: &Location,
    (found, wanted): (&Located, Wanted<'_>),
) -> Result<Vec<Parent>, Error> {
    let modelkits = match wanted {
        Wanted::ModelKit(_) => vec![inspect(found)?.modelkit],
        Wanted::WholeIndex => {
            inspect_index(found)?;
            modelkits(found)?
        }
    };
    let mut parents: Vec<Parent> = Vec::new();
    for first in modelkits.iter().filter_map(parents::model_reference) {
        for parent in parents::resolve(session, &source.to_string(), first)? {
            if parents.iter().all(|known| known.reference != parent.reference) {
                parents.push(parent);
            }
        }
    }
    Ok(parents)
}

/// Removes the layers that were fetched, if a policy does not allow their content. After other failures they stay, so
/// that another attempt continues. An error of the removal is ignored: the refusal is the one to report.
pub(crate) fn discard_if_refused(session: &Session<'_>, error: &Error) {
    if matches!(error, Error::Policy(_)) {
        drop(session.store.collect());
    }
}

/// Copies `found` into the store as `name`, if the content is also admitted.
fn bring(
    session: &Session<'_>,
    judged: (&Located, Admission),
    name: &Reference,
    fetch: Fetch,
    options: &CopyOptions,
) -> Result<Copied, Error> {
    bring_judged(session, judged, name, fetch, options).inspect_err(|error| discard_if_refused(session, error))
}

fn bring_judged(
    session: &Session<'_>,
    (found, admission): (&Located, Admission),
    name: &Reference,
    fetch: Fetch,
    options: &CopyOptions,
) -> Result<Copied, Error> {
    let names = Names::Of(name.clone());
    let writer = session.store.writer(names.clone())?;
    // A tag next to a digest is only informative, so the local tag is not changed.
    let tag = name.tag.as_ref().filter(|_| name.digest.is_none()).map(ToString::to_string);
    let target = (&writer as &dyn Target, tag.as_deref());
    let here = session.store.reader(names)?;
    let carry = Carry::required_if(requires_attached(session, &Location::Artifact(name.clone()))?);
    let admit = || admission.admit_content_in(session, (&here, &found.examined));
    if fetch == Fetch::Everything || !found.is_remote {
        let from = (&*found.source, found.name.as_str());
        let copied = copy_unless(from, target, (options, carry), admit, session.progress)?;
        warn_of_copied_recalls(session, found, (&here, &copied))?;
        return Ok(copied);
    }
    let delta = DeltaSource::new(&*found.source, Older::Versions(&here, older(&session.store, name)?));
    let mut copied = copy_unless((&delta, &found.name), target, (options, carry), admit, session.progress)?;
    copied.taken = delta.taken();
    copied.sent_bytes = copied.sent_bytes.saturating_sub(copied.taken.bytes);
    warn_of_copied_recalls(session, found, (&here, &copied))?;
    Ok(copied)
}

/// Warns of recalls, which were copied together with the ModelKit, so that no further request is needed.
fn warn_of_copied_recalls(
    session: &Session<'_>,
    found: &Located,
    (here, copied): (&dyn Source, &Copied),
) -> Result<(), Error> {
    warn_of_recalls_of(session, (here, &copied.manifest), (&found.policy_names, &found.title))
}
