//! Adding another name to a ModelKit in the local store.

use super::copy::CopyOptions;
use super::origins::Origins;
use super::referrers::{Carry, copy_attached};
use crate::oci::{Descriptor, Reference, Tag, Target};
use crate::ops::error::Error;
use crate::ops::session::{Location, Lookup, Session};
use crate::ops::tag_state::TagState;
use crate::ops::trust::{admit_renaming, requires_attached};
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
    let carry = Carry::required_if(requires_attached(session, &Location::Artifact(name.clone()))?);
    let options = CopyOptions { jobs: 1, origins: Origins::default(), phase: Phase::Copying };
    let attached = || {
        let mut manifests = session.store.members(&manifest);
        manifests.push(manifest.clone());
        let places = (&*found.source, &writer as &dyn Target);
        manifests.iter().try_for_each(|it| copy_attached(places, it, (&options, carry), session.progress))
    };
    carry.in_order(|| Ok(writer.enter(&manifest, Some(tag.as_str()))?), attached)?;
    if let TagState::At(from) = before
        && from != manifest.digest
    {
        session.progress.report(&Event::TagMoved { tag: &name.to_string(), from, to: manifest.digest });
    }
    Ok(manifest)
}
