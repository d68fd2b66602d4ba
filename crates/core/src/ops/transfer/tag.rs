//! Giving a ModelKit of the local store another name.

use super::copy::CopyOptions;
use super::origins::Origins;
use super::referrers::copy_referrers;
use crate::oci::{Reference, Tag};
use crate::ops::error::Error;
use crate::ops::session::{Place, Places};
use crate::progress::{Phase, Progress};
use crate::store::Names;

/// Calls the ModelKit `source` also `target`, in another repository if need be, where what refers to it is found, too. Nothing is
/// copied.
pub fn tag(places: &Places<'_>, source: &Reference, target: &Reference, progress: &dyn Progress) -> Result<(), Error> {
    let found = places.find_reference(source, Place::Local)?;
    let manifest = found.source.resolve(&found.name).map_err(|error| Error::reading("the manifest", error))?;
    let writer = places.store.writer(Names::Of(target.clone()))?;
    let tag = target.tag.clone().unwrap_or_else(Tag::latest);
    writer.enter(&manifest, Some(tag.as_str()))?;
    let options = CopyOptions { jobs: 1, origins: Origins::default(), phase: Phase::Copying };
    for manifest in places.store.members(&manifest).iter().chain([&manifest]) {
        copy_referrers((&*found.source, &writer), manifest, &options, progress);
    }
    Ok(())
}
