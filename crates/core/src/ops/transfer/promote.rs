//! Moving a tag to a ModelKit that has proved itself elsewhere, unless somebody else moves the tag at that time.

use super::copy::{Copied, CopyOptions, copy_unless};
use crate::oci::{Reference, Tag};
use crate::ops::error::Error;
use crate::ops::session::{Located, Location, Session};
use crate::ops::tag_state::TagState;
use crate::progress::Progress;
use crate::registry;

/// What a promotion did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promoted {
    /// How the ModelKit came to the destination.
    pub copied: Copied,
    /// What the tag pointed to before.
    pub before: TagState,
}

/// Copies `found` to `destination` and moves the tag there to it, if the tag points to what is `expected`, or without that, if
/// it did not move while the ModelKit travelled.
///
/// A registry cannot compare and exchange a tag at once (OCI distribution 1.1 has no such request), so it is asked right before the
/// manifest is published. Who moves the tag between these two requests is not noticed.
pub fn promote(
    session: &Session<'_>,
    found: &Located,
    destination: &Reference,
    expected: Option<TagState>,
    options: &CopyOptions,
    progress: &dyn Progress,
) -> Result<Promoted, Error> {
    if destination.is_local() {
        return Err(Error::NoRegistry(destination.clone()));
    }
    let before = tag_state(session, destination)?;
    let expected = expected.unwrap_or(before);
    let refuse_if_moved = |state| {
        if state == expected { Ok(()) } else { Err(moved(destination, expected, state)) }
    };
    // What is refused anyway is refused before anything travels.
    refuse_if_moved(before)?;
    let (target, tag) = session.target(&Location::Artifact(destination.clone()))?;
    let copied = copy_unless(
        (&*found.source, &found.name),
        (&*target, tag.as_deref()),
        options,
        || refuse_if_moved(tag_state(session, destination)?),
        progress,
    )?;
    Ok(Promoted { copied, before })
}

/// Where the tag is now. A registry is asked itself: its mirrors may be late.
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
