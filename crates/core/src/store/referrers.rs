//! Referrers, manifests with a subject: finding them, and removing them with their subject.
//!
//! A referrer has an entry without a name, as oras writes it. An annotation of `kit` distinguishes it from an artifact
//! that lost its name. It stays as long as its subject has an entry in the same repository.

use std::collections::{HashMap, HashSet};

use fs_err as fs;

use super::error::Error;
use super::index::Entry;
use super::layout::{Names, Store};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{Annotations, Descriptor, Referrer};
use crate::sys::Metadata;

/// An annotation of `kit`: the digest of the subject of an entry without a name.
pub(super) const SUBJECT: &str = "ml.kitops.modelkit.subject";

impl Entry {
    /// Returns the subject of this manifest if it is stored only as a referrer, that is, without a name.
    pub fn subject(&self) -> Option<Digest> {
        if self.name().is_some() { None } else { self.descriptor.annotations.get(SUBJECT)?.parse().ok() }
    }
}

/// Returns the annotations of the entry of a manifest with these bytes.
pub(super) fn annotations(manifest: &Descriptor, bytes: &[u8]) -> Annotations {
    let subject = Referrer::read(manifest, bytes).map(|referrer| (SUBJECT.to_owned(), referrer.subject.to_string()));
    subject.into_iter().collect()
}

/// The manifests of a repository that may be referrers, by subject: the index is read once for all subjects.
pub(super) struct ReferrerMap {
    /// The state of the index file when it was read. Every change of the index makes a new file.
    index: Option<Metadata>,
    by_subject: HashMap<Digest, Vec<Descriptor>>,
}

impl ReferrerMap {
    /// Returns true if the index of `store` is the one that was read.
    pub(super) fn is_of(&self, store: &Store) -> bool {
        self.index.is_some() && self.index == state(store)
    }

    /// The manifests that may be referrers of `subject`.
    pub(super) fn candidates(&self, subject: &Digest) -> Vec<Descriptor> {
        self.by_subject.get(subject).cloned().unwrap_or_default()
    }
}

fn state(store: &Store) -> Option<Metadata> {
    fs::metadata(store.index_file()).ok().map(|metadata| Metadata::from(&metadata))
}

impl Store {
    /// Reads the index for the referrers in the repository of `names`.
    pub(super) fn referrer_map(&self, names: &Names) -> Result<ReferrerMap, Error> {
        // If the index changes in between, the map is read again.
        let index = state(self);
        let mut by_subject: HashMap<Digest, Vec<Descriptor>> = HashMap::new();
        for entry in self.entries()?.into_iter().filter(|entry| names.may_be_referrer(entry)) {
            if let Some(subject) = entry.subject().or_else(|| self.subject_of(&entry.descriptor)) {
                let descriptor = Descriptor { annotations: Annotations::new(), ..entry.descriptor };
                by_subject.entry(subject).or_default().push(descriptor);
            }
        }
        Ok(ReferrerMap { index, by_subject })
    }

    fn subject_of(&self, manifest: &Descriptor) -> Option<Digest> {
        Some(Referrer::read(manifest, &self.read_document(manifest).ok()?)?.subject)
    }

    /// Returns the referrers of `subject` in the repository of `names`.
    pub(super) fn referrers(&self, names: &Names, subject: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        let candidates = self.referrer_map(names)?.candidates(&subject.digest);
        Ok(self.read_referrers(candidates, subject))
    }

    /// Returns the referrers of `subject` among the `candidates`. A damaged one is left out; `kit fsck` reports it.
    pub(super) fn read_referrers(&self, candidates: Vec<Descriptor>, subject: &Descriptor) -> Vec<Descriptor> {
        let mut found: Vec<Descriptor> = Vec::new();
        for manifest in candidates {
            let Ok(bytes) = self.read_document(&manifest) else { continue };
            let Some(referrer) = Referrer::read(&manifest, &bytes) else { continue };
            let is_new = found.iter().all(|other| other.digest != referrer.descriptor.digest);
            if referrer.subject == subject.digest && is_new && found.len() <= limits::REFERRERS {
                found.push(referrer.descriptor);
            }
        }
        found
    }
}

impl Names {
    /// Returns true if `entry` may be a referrer. Indexes of other tools do not contain the subject, so their manifests
    /// have to be read.
    fn may_be_referrer(&self, entry: &Entry) -> bool {
        let is_foreign = matches!(self, Self::Tags) && !entry.descriptor.annotations.contains_key(SUBJECT);
        (entry.name().is_none() && is_foreign || entry.subject().is_some()) && self.include(entry)
    }
}

/// Removes the referrers whose subject is not in their repository, neither with an entry nor as one of the `members` of
/// an entry, and then the referrers of those.
pub(super) fn drop_orphans(entries: &mut Vec<Entry>, members: impl Fn(&Descriptor) -> Vec<Descriptor>) {
    let repository = |entry: &Entry| entry.reference().map(|reference| reference.full_repository());
    loop {
        let mut there = HashSet::new();
        for entry in entries.iter() {
            let manifests = [entry.descriptor.clone()].into_iter().chain(members(&entry.descriptor));
            there.extend(manifests.map(|manifest| (repository(entry), manifest.digest)));
        }
        let before = entries.len();
        entries.retain(|entry| entry.subject().is_none_or(|subject| there.contains(&(repository(entry), subject))));
        if entries.len() == before {
            return;
        }
    }
}
