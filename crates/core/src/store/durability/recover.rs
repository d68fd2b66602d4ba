//! Recovers the index after a crash, and reports which ModelKits have lost blobs.

use std::io;
use std::sync::atomic::Ordering;

use super::disk;
use super::generations::Generation;
use super::pending::INDEX;
use crate::limits;
use crate::oci::{Descriptor, Index};
use crate::progress::Warning;
use crate::store::error::Error;
use crate::store::layout::Store;
use crate::store::lock::is_unwritable;
use crate::sys;

impl Store {
    /// Returns the content of the index; none if there is no index. One that is pending from another run is recovered
    /// first.
    pub(in crate::store) fn index_content(&self) -> Result<Option<Vec<u8>>, Error> {
        match self.read_index_file()? {
            Some((_, true)) => {}
            found => return Ok(found.map(|(content, _)| content)),
        }
        match self.lock_index() {
            Ok(_lock) => self.recover_index(),
            Err(Error::Io { source, .. }) if is_unwritable(&source) => {
                let content = self.sound_index()?;
                self.report_losses()?;
                Ok(content)
            }
            Err(error) => Err(error),
        }
    }

    /// Like [`index_content`](Self::index_content), for a caller that has the index lock.
    pub(in crate::store) fn recover_index(&self) -> Result<Option<Vec<u8>>, Error> {
        match self.read_index_file()? {
            Some((_, true)) => {}
            found => return Ok(found.map(|(content, _)| content)),
        }
        let Some(content) = self.sound_index()? else { return Ok(None) };
        disk::persist(self.synced_file(&content)?, &self.index_file())?;
        disk::sync_folder(self.root())?;
        self.report_losses()?;
        Ok(Some(content))
    }

    /// Returns the content of the index file as it is, and true if it is pending from another run.
    pub(super) fn read_index_file(&self) -> Result<Option<(Vec<u8>, bool)>, Error> {
        let file = match sys::open_regular(&self.index_file()) {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let is_lost = sys::is_marked(&file.metadata()?) && !self.is_of_this_run(INDEX);
        Ok(Some((sys::read_open(&file, limits::INDEX_READ_BYTES)?, is_lost)))
    }

    /// Returns the index if it is complete, or else the latest complete copy. A file that a crash has cut off, or in
    /// which blocks are missing and read as zeros, is not valid JSON. Without a copy, the index was the first one, and
    /// is empty again.
    fn sound_index(&self) -> Result<Option<Vec<u8>>, Error> {
        let Some((content, _)) = self.read_index_file()? else { return Ok(None) };
        let is_sound = |content: &Vec<u8>| serde_json::from_slice::<Index>(content).is_ok();
        if is_sound(&content) {
            return Ok(Some(content));
        }
        self.waiting().notifier.warn(&Warning::IndexRestored);
        let copy = self.generations()?.iter().filter_map(Generation::read).find(is_sound);
        Ok(Some(copy.unwrap_or_else(|| {
            serde_json::to_vec(&Index::<Descriptor>::default()).expect("an index has only string keys")
        })))
    }

    /// Warns about each entry with a blob that the store no longer has. Damaged blobs are found before their first use.
    fn report_losses(&self) -> Result<(), Error> {
        if self.durability().has_reported.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        for entry in self.entries()? {
            if self.lacks_blobs(&entry)? {
                self.warn_of_loss(&entry);
            }
        }
        Ok(())
    }
}
