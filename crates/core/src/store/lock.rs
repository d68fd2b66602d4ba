//! The two locks of a store. Both are advisory file locks, which are released when the process ends for any reason.
//!
//! - The *index lock* is held during a change of the index.
//! - The *use lock* is shared by all processes that read or write blobs, as long as they do. A collection needs it
//!   exclusively. If it cannot have it, it leaves a request, and the last process that releases its share collects.

use std::fs::TryLockError;
use std::io;

use fs_err as fs;

use super::error::Error;
use super::layout::Store;
use super::waiting::{Kind, note_holder};
use crate::sys;

/// A share of the use lock: while it lives, no blob disappears.
pub(super) struct Share {
    store: Store,
    /// None if the store cannot be written to; then no process can collect either.
    file: Option<fs::File>,
    collects: bool,
}

/// The index lock, held until dropped.
pub(super) struct IndexLock {
    _file: fs::File,
}

impl Store {
    fn lock_file(&self, name: &str) -> io::Result<fs::File> {
        sys::open_lock_file(&self.private(name))
    }

    /// Waits for the index lock.
    pub(super) fn lock_index(&self) -> Result<IndexLock, Error> {
        let file = self.lock_file("index.lock")?;
        self.waiting().take(&file, Kind::Exclusive)?;
        note_holder(&file)?;
        Ok(IndexLock { _file: file })
    }

    /// Takes the index lock. Returns none while another process has it.
    pub(super) fn try_lock_index(&self) -> Result<Option<IndexLock>, Error> {
        let file = self.lock_file("index.lock")?;
        match file.file().try_lock() {
            Ok(()) => Ok(Some(IndexLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Takes a share of the use lock to read blobs. A store that does not exist or is read-only needs no lock.
    pub(super) fn share_to_read(&self) -> Result<Share, Error> {
        let file = match self.lock_file("use.lock") {
            Ok(file) => Some(file),
            Err(error) if is_unwritable(&error) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(file) = &file {
            self.waiting().take(file, Kind::Shared)?;
        }
        Ok(Share { store: self.clone(), file, collects: true })
    }

    /// Takes a share of the use lock to write blobs. If no other process uses the store, this first removes what killed
    /// processes left.
    pub(super) fn share_to_write(&self) -> Result<Share, Error> {
        if let Some(_lock) = self.lock_all_use()? {
            self.remove_abandoned()?;
        }
        let file = self.lock_file("use.lock")?;
        self.waiting().take(&file, Kind::Shared)?;
        Ok(Share { store: self.clone(), file: Some(file), collects: true })
    }

    /// Takes the use lock exclusively: no other process reads or writes blobs until the file is dropped.
    pub fn exclusive(&self) -> Result<fs::File, Error> {
        self.lock_all_use()?.ok_or_else(|| Error::InUse(self.root().to_owned()))
    }

    /// Takes the use lock exclusively. Returns none while other processes use the store.
    pub(super) fn lock_all_use(&self) -> Result<Option<fs::File>, Error> {
        let file = self.lock_file("use.lock")?;
        match file.file().try_lock() {
            Ok(()) => {
                note_holder(&file)?;
                Ok(Some(file))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

impl Share {
    /// Disables collecting when the share is dropped. A layout that is only read may belong to another user: its
    /// folders may be links to other paths, and a request in it may ask for a collection there.
    pub(super) fn without_collecting(self) -> Self {
        let mut share = self;
        share.collects = false;
        share
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.file = None;
        if !self.collects {
            return;
        }
        // A failed collection only costs space; the next one finds the same garbage.
        drop(self.store.collect_if_wanted());
    }
}

pub(super) fn is_unwritable(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied | ReadOnlyFilesystem)
}
