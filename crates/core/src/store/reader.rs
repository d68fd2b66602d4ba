//! Reads from a store, through the interface of every source.

use std::sync::{Mutex, PoisonError};

use super::blob::FileContent;
use super::error::Error;
use super::index::Entry;
use super::layout::{Names, Store};
use super::links::LayerContent;
use super::lock::Share;
use super::referrers::ReferrerMap;
use crate::digest::Digest;
use crate::oci::{CheckedTables, Content, ContentError, Descriptor, Source, read_document};

/// A reader of one repository of a store. While it exists, no blob is removed.
pub struct Reader {
    store: Store,
    names: Names,
    referrers: Mutex<AskedReferrers>,
    _share: Share,
}

/// The referrers that a reader was asked for.
#[derive(Default)]
struct AskedReferrers {
    questions: usize,
    /// All of the repository, after some questions.
    map: Option<ReferrerMap>,
}

/// The number of questions for referrers that are answered by searching the index: a map of all referrers of a large
/// store takes as long as about ten searches.
const SEARCHES: usize = 8;

impl Store {
    /// Opens a repository for reading.
    pub fn reader(&self, names: Names) -> Result<Reader, Error> {
        let share = self.share_to_read().map_err(|error| self.named(error))?;
        let share = match names {
            Names::Tags => share.without_collecting(),
            Names::Of(_) => {
                // It only saves a check after the next restart. The store may be read-only.
                drop(self.settle_some());
                share
            }
        };
        Ok(Reader { store: self.clone(), names, referrers: Mutex::default(), _share: share })
    }

    /// Finds `name`, a tag or a digest, among the entries that `names` includes and the members of their indexes. A tag
    /// that an artifact and an index share is that of the artifact. A
    /// digest in the unnamed repository is found in any repository.
    pub fn find(&self, names: &Names, name: &str) -> Result<Option<Entry>, Error> {
        let digest: Option<Digest> = name.parse().ok();
        let anywhere = matches!(names, Names::Of(repository) if repository.is_unnamed());
        let index = self.index()?;
        let Some(digest) = digest else {
            let found = index.entries().iter().filter(|entry| names.call(entry, name));
            return Ok(found.min_by_key(|entry| entry.is_index()).cloned());
        };
        let is_within = |entry: &&Entry| anywhere || names.include(entry);
        let is_meant = |entry: &&Entry| entry.descriptor.digest == digest && is_within(entry);
        let found = index.entries().iter().find(is_meant).map(|entry| entry.descriptor.clone());
        let member = || {
            let indexes = index.entries().iter().filter(|entry| entry.is_index()).filter(is_within);
            let mut members = indexes.flat_map(|entry| self.members(&entry.descriptor));
            members.find(|member| member.digest == digest && self.has_blob(member).unwrap_or_default())
        };
        Ok(found.or_else(member).map(Entry::new))
    }

    /// Finds the index `name`, a tag or a digest, among the entries that `names` includes.
    pub fn find_index(&self, names: &Names, name: &str) -> Result<Option<Entry>, Error> {
        let digest: Option<Digest> = name.parse().ok();
        let is_meant = |entry: &Entry| match digest {
            Some(digest) => entry.descriptor.digest == digest && names.include(entry),
            None => names.call(entry, name),
        };
        Ok(self.index()?.entries().iter().find(|entry| entry.is_index() && is_meant(entry)).cloned())
    }

    /// Returns true if the complete blob is stored. Takes no lock and creates nothing.
    pub fn holds(&self, blob: &Descriptor) -> Result<bool, Error> {
        self.has_blob(blob).map_err(|error| self.named(error))
    }

    /// Returns the verified bytes of a small blob: a manifest or a config.
    pub fn read_document(&self, document: &Descriptor) -> Result<Vec<u8>, ContentError> {
        read_document(&FileContent { store: self.clone(), digest: document.digest }, document)
    }
}

impl Reader {
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }
}

impl Source for Reader {
    fn is_store(&self) -> bool {
        true
    }

    fn resolve(&self, name: &str) -> Result<Descriptor, ContentError> {
        let entry = self.store.find(&self.names, name)?.ok_or_else(|| ContentError::NotFound(name.to_owned()))?;
        Ok(Descriptor { annotations: crate::oci::Annotations::new(), ..entry.descriptor })
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        self.store.read_document(descriptor)
    }

    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        match self.names {
            Names::Of(_) => Box::new(LayerContent { store: self.store.clone(), digest: descriptor.digest }),
            Names::Tags => Box::new(FileContent { store: self.store.clone(), digest: descriptor.digest }),
        }
    }

    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        let mut asked = self.referrers.lock().unwrap_or_else(PoisonError::into_inner);
        asked.questions += 1;
        if asked.questions <= SEARCHES && matches!(self.names, Names::Of(_)) {
            drop(asked);
            return Ok(self.store.referrers(&self.names, subject)?);
        }
        if !asked.map.as_ref().is_some_and(|map| map.is_of(&self.store)) {
            asked.map = Some(self.store.referrer_map(&self.names)?);
        }
        let candidates = asked.map.as_ref().map(|map| map.candidates(&subject.digest)).unwrap_or_default();
        drop(asked);
        Ok(self.store.read_referrers(candidates, subject))
    }

    fn checked_tables(&self) -> Option<&dyn CheckedTables> {
        self.own_tables()
    }
}
