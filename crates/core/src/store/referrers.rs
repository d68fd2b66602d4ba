//! Referrers, manifests with a subject: finding them, and removing them with their subject.
//!
//! A referrer has an entry without a name, as oras writes it. An annotation of `kit` distinguishes it from an artifact
//! that lost its name. It stays as long as its subject has an entry in the same repository.

use std::collections::HashSet;

use super::error::Error;
use super::index::Entry;
use super::layout::{Names, Store};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{Annotations, Descriptor, Referrer};

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

impl Store {
    /// Returns the referrers of `subject` in the repository of `names`. A damaged one is left out; `kit fsck` reports
    /// it.
    pub(super) fn referrers(&self, names: &Names, subject: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        let mut found: Vec<Descriptor> = Vec::new();
        for entry in self.entries()?.iter().filter(|entry| names.may_refer(entry, &subject.digest)) {
            let Ok(bytes) = self.read_document(&entry.descriptor) else { continue };
            let Some(referrer) = Referrer::read(&entry.descriptor, &bytes) else { continue };
            let is_new = found.iter().all(|other| other.digest != referrer.descriptor.digest);
            if referrer.subject == subject.digest && is_new && found.len() <= limits::REFERRERS {
                found.push(referrer.descriptor);
            }
        }
        Ok(found)
    }
}

impl Names {
    /// Returns true if `entry` may be a referrer of `subject`. Indexes of other tools do not contain the subject, so
    /// their manifests have to be read.
    fn may_refer(&self, entry: &Entry, subject: &Digest) -> bool {
        let is_foreign = matches!(self, Self::Tags) && !entry.descriptor.annotations.contains_key(SUBJECT);
        let is_candidate = entry.name().is_none() && is_foreign || entry.subject().as_ref() == Some(subject);
        is_candidate && self.include(entry)
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
