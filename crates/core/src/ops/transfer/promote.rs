//! Moving a tag to a verified ModelKit, unless another client moves the tag at the same time.

use super::copy::{Copied, CopyOptions, copy_unless};
use crate::oci::{Reference, Tag};
use crate::ops::error::Error;
use crate::ops::session::{Located, Location, Session};
use crate::ops::tag_state::TagState;
use crate::registry;

/// The result of a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promoted {
    /// The result of copying the ModelKit to the destination.
    pub copied: Copied,
    /// The state of the tag before.
    pub before: TagState,
}

/// Copies `found` to `destination` and moves the tag of `destination` to it. Fails if the tag does not have the
/// `expected` state or, without `expected`, if it moves during the copy.
///
/// A registry cannot compare and swap a tag (OCI distribution 1.1 has no such request), so the tag is read right before
/// the manifest is published. A change between these two requests is not detected.
pub fn promote(
    session: &Session<'_>,
    found: &Located,
    destination: &Reference,
    expected: Option<TagState>,
    options: &CopyOptions,
) -> Result<Promoted, Error> {
    if destination.is_local() {
        return Err(Error::NoRegistry(destination.clone()));
    }
    let before = tag_state(session, destination)?;
    let expected = expected.unwrap_or(before);
    let refuse_if_moved = |state| {
        if state == expected { Ok(()) } else { Err(moved(destination, expected, state)) }
    };
    // A promotion that must fail should fail before any transfer.
    refuse_if_moved(before)?;
    let (target, tag) = session.target(&Location::Artifact(destination.clone()))?;
    let copied = copy_unless(
        (&*found.source, &found.name),
        (&*target, tag.as_deref()),
        options,
        || refuse_if_moved(tag_state(session, destination)?),
        session.progress,
    )?;
    Ok(Promoted { copied, before })
}

/// Reads the state of the tag from the registry itself, because its mirrors may be out of date.
fn tag_state(session: &Session<'_>, destination: &Reference) -> Result<TagState, Error> {
    let name = destination.selector().unwrap_or_else(|| Tag::latest().to_string());
    match session.client.repository(destination).resolve_at_registry(&name) {
        Ok(descriptor) => Ok(TagState::At(descriptor.digest)),
        Err(registry::Error::NotFound { .. }) => Ok(TagState::Absent),
        Err(error) => Err(error.into()),
    }
}

fn moved(destination: &Reference, expected: TagState, found: TagState) -> Error {
    Error::TagMoved { tag: destination.to_string(), expected, found }
}
