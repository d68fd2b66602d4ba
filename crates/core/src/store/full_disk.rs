//! Removes entries when the disk is so full that not even the smaller index can be written.
//!
//! Usually the index is replaced first, and the content that it no longer leads to is removed afterwards. On a full
//! disk the order is reversed, one blob at a time, and only with blobs that nothing but the removed entries leads to.
//! If the process is killed in between, these entries are incomplete, and can be removed again. If that is not enough,
//! the remembered layers and the unfinished downloads are removed, which only costs time.

use std::io;

use fs_err as fs;

use super::collect::remove_if_there;
use super::error::Error;
use super::index::Entry;
use super::layout::Store;
use crate::digest::Digest;

impl Store {
    /// Does `attempt`, which removes the entries that `take` takes from the index. After each failure for lack of
    /// space, some is freed. The caller has no share of the use lock.
    ///
    /// Other processes may be reading the content, and nothing is freed then.
    pub(super) fn remove_making_room(
        &self,
        take: &dyn Fn(&mut Vec<Entry>) -> Vec<Entry>,
        mut attempt: impl FnMut() -> Result<Vec<Entry>, Error>,
    ) -> Result<Vec<Entry>, Error> {
        let _all = self.exclusive()?;
        self.remove_abandoned()?;
        self.sweep()?;
        for blob in self.needed_only_by(take)? {
            match attempt() {
                Err(error) if error.is_lack_of_space() => self.drop_content(&blob)?,
                done => return done,
            }
        }
        // Of the rest, only what can be made again: a name is removed that is not the last one.
        match attempt() {
            Err(error) if error.is_lack_of_space() => self.forget_layers(|_| true)?,
            done => return done,
        }
        match attempt() {
            Err(error) if error.is_lack_of_space() => self.drop_unfinished().map(drop)?,
            done => return done,
        }
        attempt()
    }

    /// Returns the digests that only the entries lead to that `take` takes, those of the largest blobs first.
    fn needed_only_by(&self, take: &dyn Fn(&mut Vec<Entry>) -> Vec<Entry>) -> Result<Vec<Digest>, Error> {
        let (mut kept, mut record) = (self.entries()?, self.read_record());
        let before = self.needed_by(&kept, &mut record)?;
        take(&mut kept);
        let after = self.needed_by(&kept, &mut record)?;
        let mut only: Vec<Digest> = before.difference(&after).copied().collect();
        only.sort_by_key(|digest| {
            let size = fs::metadata(self.blob_path(digest)).map_or(0, |metadata| metadata.len());
            (std::cmp::Reverse(size), *digest)
        });
        Ok(only)
    }

    fn drop_content(&self, digest: &Digest) -> Result<(), Error> {
        remove_if_there(&self.blob_path(digest))?;
        self.remove_recipes(|recipe| recipe == digest)?;
        Ok(())
    }
}

impl Error {
    /// Returns true if the disk, or the share of it that the user may use, is full.
    pub(super) fn is_lack_of_space(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }
}
