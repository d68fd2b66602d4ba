//! Adding another name to a ModelKit in the local store.

use super::copy::CopyOptions;
use super::origins::Origins;
use super::referrers::copy_referrers;
use crate::oci::{Descriptor, Reference, Tag};
use crate::ops::error::Error;
use crate::ops::session::{Lookup, Session};
use crate::ops::tag_state::TagState;
use crate::ops::trust::admit_renaming;
use crate::progress::{Event, Phase};
use crate::store::Names;

/// Adds the name `target` to the ModelKit `source`. If it is in another repository, the referrers are added to that
/// repository, too, and a policy must allow `source`. No content is copied.
pub fn tag(session: &Session<'_>, source: &Reference, target: &Reference) -> Result<Descriptor, Error> {
    let found = session.find_reference(source, Lookup::Local)?;
    let manifest = found.resolve()?;
    admit_renaming(session, &found, target)?;
    let writer = session.store.writer(Names::Of(target.clone()))?;
    let tag = target.tag.clone().unwrap_or_else(Tag::latest);
    let name = target.with_tag(tag.clone());
    let before = TagState::read_here(&session.store, &name)?;
    writer.enter(&manifest, Some(tag.as_str()))?;
    if let TagState::At(from) = before
        && from != manifest.digest
    {
        session.progress.report(&Event::TagMoved { tag: &name.to_string(), from, to: manifest.digest });
    }
    let options = CopyOptions { jobs: 1, origins: Origins::default(), phase: Phase::Copying };
    for manifest in session.store.members(&manifest).iter().chain([&manifest]) {
        copy_referrers((&*found.source, &writer), manifest, &options, session.progress);
    }
    Ok(manifest)
}
