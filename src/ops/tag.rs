//! Giving a ModelKit of the local store another name.

use super::{Error, Place, Places};
use crate::oci::{Reference, Tag};
use crate::store::Names;

/// Calls the ModelKit `source` also `target`, in another repository if need be. Nothing is copied.
pub fn tag(places: &Places<'_>, source: &Reference, target: &Reference) -> Result<(), Error> {
    let found = places.find_reference(source, Place::Local)?;
    let manifest = found.source.resolve(&found.name).map_err(|error| Error::reading("the manifest", error))?;
    let writer = places.store.writer(Names::Of(target.clone()))?;
    let tag = target.tag.clone().unwrap_or_else(Tag::latest);
    Ok(writer.enter(&manifest, Some(tag.as_str()))?)
}
