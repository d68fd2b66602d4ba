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
    /// Returns the subject of this manifest if it is stored only as a referrer, that is, without a name, or as a
    /// companion.
    pub fn subject(&self) -> Option<Digest> {
        match self.name() {
            Some(_) => self.companion().map(|(subject, _)| subject),
            None => self.descriptor.annotations.get(SUBJECT)?.parse().ok(),
        }
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
        for entry in self.index()?.entries().iter().filter(|entry| names.may_be_referrer(entry)) {
            if let Some(subject) = entry.subject().or_else(|| self.subject_of(&entry.descriptor)) {
                by_subject.entry(subject).or_default().push(without_annotations(&entry.descriptor));
            }
        }
        Ok(ReferrerMap { index, by_subject })
    }

    fn subject_of(&self, manifest: &Descriptor) -> Option<Digest> {
        Some(Referrer::read(manifest, &self.read_document(manifest).ok()?)?.subject)
    }

    /// Returns the referrers of `subject` in the repository of `names`.
    pub(super) fn referrers(&self, names: &Names, subject: &Descriptor) -> Result<Vec<Descriptor>, Error> {
        let index = self.index()?;
        // The text is compared first: parsing the digests of a large index takes long.
        let text = subject.digest.to_string();
        let is_about_it = |entry: &&Entry| {
            let listed = entry.descriptor.annotations.get(SUBJECT);
            listed.is_none_or(|listed| listed.eq_ignore_ascii_case(&text)) && names.may_be_referrer(entry)
        };
        let candidates = index.entries().iter().filter(is_about_it);
        let candidates = candidates.map(|entry| without_annotations(&entry.descriptor)).collect();
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

fn without_annotations(entry: &Descriptor) -> Descriptor {
    Descriptor { annotations: Annotations::new(), ..entry.clone() }
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
    loop {
        let kept = with_subjects(entries, &members);
        if kept.iter().all(|is_kept| *is_kept) {
            return;
        }
        let mut kept = kept.into_iter();
        entries.retain(|_| kept.next().unwrap_or(true));
    }
}

/// Returns for each entry true if it has no subject, or if its subject is in its repository.
fn with_subjects(entries: &[Entry], members: impl Fn(&Descriptor) -> Vec<Descriptor>) -> Vec<bool> {
    let subjects: Vec<Option<Digest>> = entries.iter().map(Entry::subject).collect();
    let asked: HashSet<Digest> = subjects.iter().flatten().copied().collect();
    let mut there = HashSet::new();
    for entry in entries {
        let of_it = members(&entry.descriptor).into_iter().map(|member| member.digest);
        let manifests = [entry.descriptor.digest].into_iter().chain(of_it).filter(|digest| asked.contains(digest));
        there.extend(manifests.map(|digest| (digest, repository_of(entry))));
    }
    let is_kept = |(entry, subject): (&Entry, &Option<Digest>)| {
        subject.is_none_or(|subject| there.contains(&(subject, repository_of(entry))))
    };
    entries.iter().zip(&subjects).map(is_kept).collect()
}

fn repository_of(entry: &Entry) -> Option<(&str, &str)> {
    entry.reference().map(|reference| (reference.registry.as_str(), reference.repository.as_str()))
}
