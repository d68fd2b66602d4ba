//! Tags that a push moves from one artifact to another.

use std::sync::OnceLock;

use tracing::debug;

use super::forms::stale_forms;
use crate::oci::{Descriptor, Reference, Source};
use crate::ops::error::Error;
use crate::ops::session::{Location, Session};
use crate::ops::tag_state::TagState;
use crate::ops::workers;
use crate::progress::{Event, Warning};

/// A tag in a registry that a push gives to an artifact.
pub struct PushedTag<'a> {
    session: &'a Session<'a>,
    tag: Reference,
    /// The state before the push; empty if it was not read, or if the registry does not permit to read it.
    before: OnceLock<TagState>,
}

impl<'a> PushedTag<'a> {
    /// The tag at `destination`, or `None` if that is not a tag in a registry.
    pub fn of(session: &'a Session<'a>, destination: &Location) -> Option<Self> {
        let Location::Artifact(reference) = destination else { return None };
        if reference.is_local() || reference.tag.is_none() {
            return None;
        }
        Some(Self { session, before: OnceLock::new(), tag: reference.without_digest() })
    }

    /// Does `work`, which moves `tags`, and reads their states meanwhile, so that this takes no time of its own.
    pub fn read_while<T>(tags: &[Self], work: impl FnOnce() -> T) -> T {
        workers::both(work, || tags.iter().for_each(Self::read)).0
    }

    /// Reads the state of the tag. It only serves messages: a failure that matters is also one of the push.
    fn read(&self) {
        match TagState::read(self.session, &self.tag, "") {
            Ok(before) => drop(self.before.set(before)),
            Err(error) => debug!(%error, "the tag cannot be read"),
        }
    }

    /// Fails if the tag does not have this state now.
    pub fn expect(&self, expected: TagState) -> Result<(), Error> {
        TagState::read(self.session, &self.tag, "")?.expect(&self.tag, expected)
    }

    /// Reports that the tag moved to `pushed`, if it pointed to another artifact, and warns of the tags of other forms
    /// that are still those of the artifact before, which deployments of these forms would keep using.
    pub fn report(&self, pushed: &Descriptor) {
        let Some(TagState::At(from)) =
            self.before.get().copied().filter(|before| *before != TagState::At(pushed.digest))
        else {
            return;
        };
        let progress = self.session.progress;
        progress.report(&Event::TagMoved { tag: &self.tag.to_string(), from, to: pushed.digest });
        let repository = self.session.client.repository(&self.tag);
        let name = self.tag.selector().unwrap_or_default();
        match repository.manifest(pushed) {
            Ok(manifest) => stale_forms(&repository, &name, &manifest)
                .iter()
                .for_each(|tag| progress.warn(&Warning::FormNotMoved { tag, is_rollback: false })),
            Err(error) => debug!(%error, "the forms cannot be compared"),
        }
    }
}
