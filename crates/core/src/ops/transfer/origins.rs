//! Where a registry may have blobs already: other repositories of it, from which they can be mounted.

use std::collections::HashMap;

use crate::digest::Digest;
use crate::oci::{Descriptor, Manifest, Reference};
use crate::ops::error::Error;
use crate::ops::session::Location;
use crate::store::Store;

/// Repositories beside the target, and the blobs that they are believed to hold. The registry is asked before it is relied on.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    by_blob: HashMap<Digest, Vec<String>>,
    of_all: Option<String>,
}

impl Origins {
    /// What the index of the local store tells about the registry of `target`: what was pulled from there or named so.
    pub fn known_to(store: &Store, target: &Location) -> Result<Self, Error> {
        let mut origins = Self::default();
        let Location::Artifact(target) = target else { return Ok(origins) };
        for entry in store.entries()? {
            if let Some(reference) = entry.reference().filter(|reference| are_neighbours(reference, target)) {
                for manifest in store.members(&entry.descriptor).iter().chain([&entry.descriptor]) {
                    origins.note(store, manifest, &reference.repository);
                }
            }
        }
        Ok(origins)
    }

    /// The repository that everything is copied from, if it is on the registry of `target`.
    pub fn beside(source: &Location, target: &Location) -> Self {
        match (source, target) {
            (Location::Artifact(source), Location::Artifact(target)) if are_neighbours(source, target) => {
                Self { of_all: Some(source.repository.clone()), ..Self::default() }
            }
            _ => Self::default(),
        }
    }

    /// The repositories that may give `blob`.
    pub(super) fn of(&self, blob: &Digest) -> Vec<String> {
        let known = self.by_blob.get(blob).into_iter().flatten();
        self.of_all.iter().chain(known).cloned().collect()
    }

    fn note(&mut self, store: &Store, manifest: &Descriptor, repository: &str) {
        // What cannot be read here is no reason not to push something else: it only names no blobs.
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
