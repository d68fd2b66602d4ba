//! Fetching a ModelKit into the local store, together with those that its model refers to.

use super::delta::{DeltaSource, Older, older};
use super::parents::{self, Parent};
use super::{Copied, CopyOptions, Error, Fetch, Found, Location, Look, Place, Places, Plan, copy, plan};
use crate::oci::{Reference, Target};
use crate::progress::Progress;
use crate::store::Names;

/// Copies the ModelKit at `source` into the store and calls it `name`.
///
/// ModelKits that the model refers to are copied first, each into its own repository, so that what is in the store can be
/// used without the registry.
pub fn pull(
    places: &Places<'_>,
    source: &Location,
    name: &Reference,
    fetch: Fetch,
    options: &CopyOptions,
    progress: &dyn Progress,
) -> Result<Copied, Error> {
    let (found, parents) = find(places, source)?;
    for parent in parents {
        progress.say(&format!("Pulling referenced modelkit {}", parent.reference));
        let wrong = |source| Error::Parent { reference: parent.reference.to_string(), source: Box::new(source) };
        bring(places, &parent.found, &parent.reference, fetch, options, progress).map_err(wrong)?;
    }
    bring(places, &found, name, fetch, options, progress)
}

/// Tells what [`pull`] would fetch: the ModelKits that are referred to, in the order of their fetching, and then the one at
/// `source`. Each comes with its name; nothing is changed.
pub fn plan_pull(places: &Places<'_>, source: &Location, options: &CopyOptions) -> Result<Vec<(String, Plan)>, Error> {
    let (found, parents) = find(places, source)?;
    let parents = parents.iter().map(|parent| (parent.reference.to_string(), &parent.found));
    let all = parents.chain([(source.to_string(), &found)]);
    let look = Look::Store(places.store);
    all.map(|(name, found)| Ok((name, plan(&*found.source, &found.name, &look, options)?))).collect()
}

/// What is at `source`, and the chain of ModelKits that its model refers to.
fn find(places: &Places<'_>, source: &Location) -> Result<(Found, Vec<Parent>), Error> {
    if let Location::Artifact(reference) = source
        && reference.is_local()
    {
        return Err(Error::NoRegistry(reference.clone()));
    }
    let found = places.find(source, Place::Remote)?;
    let child = super::inspect(&found)?;
    let first = parents::model_reference(&child.modelkit);
    let parents = first.map_or(Ok(Vec::new()), |first| parents::resolve(places, &source.to_string(), first))?;
    Ok((found, parents))
}

fn bring(
    places: &Places<'_>,
    found: &Found,
    name: &Reference,
    fetch: Fetch,
    options: &CopyOptions,
    progress: &dyn Progress,
) -> Result<Copied, Error> {
    let names = Names::Of(name.clone());
    let writer = places.store.writer(names.clone())?;
    // Beside a digest a tag only informs: what it names here stays what it names.
    let tag = name.tag.as_ref().filter(|_| name.digest.is_none()).map(ToString::to_string);
    let target = (&writer as &dyn Target, tag.as_deref());
    if fetch == Fetch::Everything || !found.is_remote {
        return copy((&*found.source, &found.name), target, options, progress);
    }
    let here = places.store.reader(names)?;
    let delta = DeltaSource::new(&*found.source, Older::Versions(&here, older(places.store, name)?));
    let mut copied = copy((&delta, &found.name), target, options, progress)?;
    copied.taken = delta.taken();
    copied.sent_bytes = copied.sent_bytes.saturating_sub(copied.taken.bytes);
    Ok(copied)
}
