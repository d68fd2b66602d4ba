//! The state of a tag in a registry, for moving a tag only if it still has the expected state.

use std::fmt;
use std::str::FromStr;

use crate::digest::{Digest, ParseError};
use crate::oci::Reference;
use crate::ops::error::Error;
use crate::ops::session::Session;
use crate::registry;
use crate::store::{Names, Store};

/// The target of a tag: a manifest, or nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagState {
    /// The tag does not exist.
    Absent,
    /// The tag points to this manifest.
    At(Digest),
}

impl TagState {
    /// Reads the state of the tag with this suffix from the registry itself, because its mirrors may be out of date.
    pub(crate) fn read(session: &Session<'_>, tag: &Reference, suffix: &str) -> Result<Self, Error> {
        let name = format!("{}{suffix}", tag.selector().unwrap_or_default());
        match session.client.repository(tag).resolve_at_registry(&name) {
            Ok(descriptor) => Ok(Self::At(descriptor.digest)),
            Err(registry::Error::NotFound { .. }) => Ok(Self::Absent),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the state of `reference` in the local store.
    pub(crate) fn read_here(store: &Store, reference: &Reference) -> Result<Self, Error> {
        let entry = store.find(&Names::Of(reference.clone()), &reference.selector().unwrap_or_default())?;
        Ok(entry.map_or(Self::Absent, |entry| Self::At(entry.descriptor.digest)))
    }

    /// Fails if `tag`, which has this state, should have another one.
    pub(crate) fn expect(self, tag: &Reference, expected: Self) -> Result<(), Error> {
        if self == expected {
            return Ok(());
        }
        Err(Error::TagMoved { tag: tag.to_string(), expected, found: self })
    }
}

impl FromStr for TagState {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text == "none" { Ok(Self::Absent) } else { text.parse().map(Self::At) }
    }
}

impl fmt::Display for TagState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("nothing"),
            Self::At(digest) => write!(f, "{digest}"),
        }
    }
}
