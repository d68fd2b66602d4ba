//! Pulling a ModelKit or an index into the local store, with the ModelKits that their models refer to.

use super::copy::{Copied, CopyOptions, copy};
use super::plan::{Plan, PlanTarget, plan};
use crate::modelkit::Label;
use crate::oci::{Reference, Target};
use crate::ops::artifact::{Parent, inspect, inspect_index, modelkits, parents};
use crate::ops::error::Error;
use crate::ops::session::{Located, Location, Lookup, Session};
use crate::ops::transfer::delta::{DeltaSource, Fetch, Older, older};
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
    let (found, parents) = find(session, source, wanted)?;
    for parent in parents {
        session.progress.report(&Event::PullingReference { reference: &parent.reference.to_string() });
        let wrong = |source| Error::Parent { reference: parent.reference.to_string(), source: Box::new(source) };
        let brought = bring(session, &parent.found, &parent.reference, fetch, options);
        brought.map_err(|error| wrong(error).of_place(parent.found.is_remote))?;
    }
    bring(session, &found, name, fetch, options).map_err(|error| error.of_place(found.is_remote))
}

/// Returns the plan of a [`pull`], each part with its name: first the referenced ModelKits, in the order in which they
/// would be fetched, then the `wanted` artifact of `source`. Changes nothing.
pub fn plan_pull(
    session: &Session<'_>,
    (source, wanted): (&Location, Wanted<'_>),
    options: &CopyOptions,
) -> Result<Vec<(String, Plan)>, Error> {
    let (found, parents) = find(session, source, wanted)?;
    let parents = parents.iter().map(|parent| (parent.reference.to_string(), &parent.found));
    let all = parents.chain([(source.to_string(), &found)]);
    let look = PlanTarget::Store(&session.store);
    all.map(|(name, found)| Ok((name, plan(&*found.source, &found.name, &look, options)?))).collect()
}

/// Finds the `wanted` artifact of `source`, and the ModelKits that it refers to, without duplicates.
fn find(session: &Session<'_>, source: &Location, wanted: Wanted<'_>) -> Result<(Located, Vec<Parent>), Error> {
    if let Location::Artifact(reference) = source
        && reference.is_local()
    {
        return Err(Error::NoRegistry(reference.clone()));
    }
    let (found, modelkits) = match wanted {
        Wanted::ModelKit(labels) => {
            let found = session.find_labelled(source, Lookup::Remote, labels)?;
            let modelkit = inspect(&found)?.modelkit;
            (found, vec![modelkit])
        }
        Wanted::WholeIndex => {
            let found = session.find(source, Lookup::Remote)?;
            inspect_index(&found)?;
            let modelkits = modelkits(&found)?;
            (found, modelkits)
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
    Ok((found, parents))
}

fn bring(
    session: &Session<'_>,
    found: &Located,
    name: &Reference,
    fetch: Fetch,
    options: &CopyOptions,
) -> Result<Copied, Error> {
    let names = Names::Of(name.clone());
    let writer = session.store.writer(names.clone())?;
    // A tag next to a digest is only informative, so the local tag is not changed.
    let tag = name.tag.as_ref().filter(|_| name.digest.is_none()).map(ToString::to_string);
    let target = (&writer as &dyn Target, tag.as_deref());
    if fetch == Fetch::Everything || !found.is_remote {
        return copy((&*found.source, &found.name), target, options, session.progress);
    }
    let here = session.store.reader(names)?;
    let delta = DeltaSource::new(&*found.source, Older::Versions(&here, older(&session.store, name)?));
    let mut copied = copy((&delta, &found.name), target, options, session.progress)?;
    copied.taken = delta.taken();
    copied.sent_bytes = copied.sent_bytes.saturating_sub(copied.taken.bytes);
    Ok(copied)
}
