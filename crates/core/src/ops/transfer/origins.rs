//! The other repositories of a registry that may have a blob already, so that it can be mounted from them.

use std::collections::HashMap;

use crate::digest::Digest;
use crate::oci::{Descriptor, Manifest, Reference};
use crate::ops::error::Error;
use crate::ops::session::Location;
use crate::store::Store;

/// Repositories of the same registry as the target, and the blobs that they probably have. The registry is always asked
/// before a blob is mounted.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    by_blob: HashMap<Digest, Vec<String>>,
    of_all: Option<String>,
}

impl Origins {
    /// Returns the repositories of the registry of `target` that are in the index of the local store: those that were
    /// pulled from, or given as names.
    pub fn known_to(store: &Store, target: &Location) -> Result<Self, Error> {
        let mut origins = Self::default();
        let Location::Artifact(target) = target else { return Ok(origins) };
        for entry in store.index()?.entries() {
            if let Some(reference) = entry.reference().filter(|reference| are_neighbours(reference, target)) {
                for manifest in store.members(&entry.descriptor).iter().chain([&entry.descriptor]) {
                    origins.note(store, manifest, &reference.repository);
                }
            }
        }
        Ok(origins)
    }

    /// Returns the repository of `source`, if it is in the registry of `target`.
    pub fn beside(source: &Location, target: &Location) -> Self {
        match (source, target) {
            (Location::Artifact(source), Location::Artifact(target)) if are_neighbours(source, target) => {
                Self { of_all: Some(source.repository.clone()), ..Self::default() }
            }
            _ => Self::default(),
        }
    }

    /// The repository that has all blobs of the artifact, if it is known.
    pub(super) fn of_all(&self) -> Option<&str> {
        self.of_all.as_deref()
    }

    /// The repositories from which `blob` may be mounted.
    pub(super) fn of(&self, blob: &Digest) -> Vec<String> {
        let known = self.by_blob.get(blob).into_iter().flatten();
        self.of_all.iter().chain(known).cloned().collect()
    }

    fn note(&mut self, store: &Store, manifest: &Descriptor, repository: &str) {
        // A manifest that cannot be read must not fail the push of another one: its blobs are only not known.
        let Ok(bytes) = store.read_document(manifest) else { return };
        let Ok(manifest) = Manifest::parse(&bytes) else { return };
        for blob in manifest.blobs() {
            let repositories = self.by_blob.entry(blob.digest).or_default();
            if !repositories.iter().any(|known| known == repository) {
                repositories.push(repository.to_owned());
            }
        }
    }
}

fn are_neighbours(one: &Reference, other: &Reference) -> bool {
    one.registry == other.registry && one.repository != other.repository
}
