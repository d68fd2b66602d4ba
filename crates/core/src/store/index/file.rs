//! The file `index.json`: read once in a process, and changed under its lock.

use std::sync::{Arc, Mutex, PoisonError};

use fs_err as fs;

use super::document::{Changed, IndexDocument};
use super::entry::Entry;
use crate::limits;
use crate::store::error::Error;
use crate::store::layout::Store;
use crate::store::members::{Members, keep_members};
use crate::store::referrers::drop_orphans;
use crate::sys::{self, IdentityHold, Metadata};

/// The size of an entry with a long name in the JSON of the index.
const ENTRY_BYTES: u64 = 512;

/// The index that this process read or wrote last, shared by the clones of a store.
#[derive(Debug, Default)]
pub(in crate::store) struct KnownIndex(Mutex<Option<Known>>);

#[derive(Debug)]
struct Known {
    file: OpenIndex,
    document: Arc<IndexDocument>,
}

/// An index file whose identity no other file has as long as this exists.
#[derive(Debug)]
struct OpenIndex {
    _hold: IdentityHold,
    state: Metadata,
}

impl Store {
    /// Returns all entries, in the order of the index. A store that does not exist is empty.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        Ok(self.index()?.entries().to_vec())
    }

    /// Returns the index. It is read again only if the file is another one since the last call.
    pub fn index(&self) -> Result<Arc<IndexDocument>, Error> {
        self.index_by(Self::index_content).map_err(|error| self.named(error))
    }

    /// Returns the index, which `read` reads unless it is known.
    fn index_by(&self, read: impl Fn(&Self) -> Result<Option<Vec<u8>>, Error>) -> Result<Arc<IndexDocument>, Error> {
        let file = self.open_index();
        if let Some(file) = &file
            && let Some(known) = self.known().as_ref()
            && known.file.state == file.state
        {
            return Ok(Arc::clone(&known.document));
        }
        let document = match read(self)? {
            None => IndexDocument::empty(),
            Some(json) => {
                IndexDocument::parse(json).map_err(|source| Error::Index { path: self.index_file(), source })?
            }
        };
        let document = Arc::new(document);
        // Not if the file changed while it was read.
        self.know(file.filter(|file| self.open_index().is_some_and(|now| now.state == file.state)), &document);
        Ok(document)
    }

    /// Opens the index file, if there is one and the platform identifies files.
    fn open_index(&self) -> Option<OpenIndex> {
        let file = sys::open_regular(&self.index_file()).ok()?;
        let state = Metadata::of(file.file()).ok().filter(|state| state.identity.is_some())?;
        Some(OpenIndex { _hold: IdentityHold::of(file.into_file()), state })
    }

    fn know(&self, file: Option<OpenIndex>, document: &Arc<IndexDocument>) {
        *self.known() = file.map(|file| Known { file, document: Arc::clone(document) });
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Option<Known>> {
        self.known_index().0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails if the index has no space for `entries` more.
    pub(in crate::store) fn check_space(&self, entries: usize) -> Result<(), Error> {
        let path = self.index_file();
        let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        self.check_index_size(bytes, bytes + ENTRY_BYTES * entries as u64)
    }

    /// Fails if the index would grow beyond its limit. It may always become smaller.
    fn check_index_size(&self, before: u64, bytes: u64) -> Result<(), Error> {
        if bytes <= limits::INDEX_BYTES || bytes <= before {
            return Ok(());
        }
        Err(Error::IndexFull { store: self.name(), path: self.index_file(), bytes, limit: limits::INDEX_BYTES })
    }

    /// Changes the index under its lock and returns the result of `change`; the caller has a share of the use lock. An
    /// index that stays the same is not written, and one that would be too large neither.
    ///
    /// If this command waits for the disk, all blobs are on it before the index is, so that the index leads to them
    /// even after a power failure.
    pub(in crate::store) fn change_index<T>(&self, change: impl FnOnce(&mut Vec<Entry>) -> T) -> Result<T, Error> {
        let _lock = self.lock_index()?;
        let before = self.index_by(Self::recover_index)?;
        // From now on, this process knows no index: the entries can usually be changed without a copy of them.
        *self.known() = None;
        let bytes = before.bytes();
        let before = Arc::try_unwrap(before).unwrap_or_else(|shared| (*shared).clone());
        let Changed { document, is_same, result } = before.change(change);
        self.check_index_size(bytes, document.bytes())?;
        if is_same && self.index_file().exists() {
            self.wait_for_blobs()?;
        } else {
            self.place_index(document.json())?;
        }
        self.know(self.open_index(), &Arc::new(document));
        Ok(result)
    }

    /// Removes the entries that `choose` selects and returns them. A manifest that loses its last name in a repository
    /// is removed from it together with its referrers; their blobs stay until [`collect`](Self::collect). `members`
    /// decides about the members of removed indexes.
    ///
    /// On a full disk, blobs that only these entries lead to are removed already, until the index can be written.
    pub fn remove_entries(&self, members: Members, choose: impl Fn(&Entry) -> bool) -> Result<Vec<Entry>, Error> {
        if !self.root().exists() {
            return Ok(Vec::new());
        }
        let take = |entries: &mut Vec<Entry>| self.take_entries(entries, members, &choose);
        let remove = || self.change_index(take);
        let share = self.prepare()?;
        let removed = remove();
        drop(share);
        match removed {
            Err(error) if error.is_lack_of_space() => self.remove_making_room(&take, remove),
            done => done,
        }
    }

    /// Takes the entries that `choose` selects out of `entries`, and drops the referrers of manifests that are gone.
    /// The store itself does not change.
    pub fn take_entries(
        &self,
        entries: &mut Vec<Entry>,
        members: Members,
        choose: &dyn Fn(&Entry) -> bool,
    ) -> Vec<Entry> {
        let (gone, kept): (Vec<Entry>, _) = std::mem::take(entries).into_iter().partition(|entry| choose(entry));
        *entries = kept;
        if members == Members::Keep {
            keep_members(self, &gone, entries);
        }
        drop_orphans(entries, |manifest| self.members(manifest));
        gone
    }
}
