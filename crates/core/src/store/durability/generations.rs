//! Copies of the index under `.kit/index`, named by a number and the digest of their content: the latest that is surely
//! on the disk, and pending ones that are newer. After a crash at least one of them is complete.

use std::io::{self, Write};
use std::path::PathBuf;

use fs_err as fs;

use super::disk;
use super::pending::INDEX;
use crate::digest::Digest;
use crate::limits;
use crate::store::collect::{files, remove_if_there};
use crate::store::error::Error;
use crate::store::layout::Store;
use crate::sys::{self, TemporaryFile};

/// The number of pending copies that are kept beside the latest durable one.
const PENDING_COPIES: usize = 2;

/// A copy of the index.
pub(super) struct Generation {
    number: u64,
    digest: Digest,
    is_durable: bool,
    path: PathBuf,
}

impl Generation {
    /// Returns the content, if it is complete.
    pub(super) fn read(&self) -> Option<Vec<u8>> {
        let content = sys::read_regular(&self.path, limits::INDEX_READ_BYTES).ok()?;
        (Digest::of(&content) == self.digest).then_some(content)
    }
}

impl Store {
    /// Replaces the index under its lock. It is pending, unless this command waits for the disk: then everything that
    /// it leads to is waited for as well.
    pub(in crate::store) fn place_index(&self, json: &[u8]) -> Result<(), Error> {
        let mut file = match self.run_without_waiting() {
            Some(_) => self.pending_file()?,
            None => self.temporary_file()?,
        };
        file.write_all(json)?;
        self.keep_durable_index()?;
        if !self.may_stay_pending(file.as_file(), &self.index_file())? {
            return self.place_durable_index(file);
        }
        let mut copy = self.pending_file()?;
        copy.write_all(json)?;
        disk::persist(copy, &self.next_generation(&Digest::of(json))?)?;
        disk::persist(file, &self.index_file())?;
        self.prune_generations()
    }

    /// Waits until everything that the index leads to is on the disk, if this command waits.
    pub(in crate::store) fn wait_for_blobs(&self) -> Result<(), Error> {
        if self.run_without_waiting().is_some() {
            return Ok(());
        }
        self.settle_all_blobs()?;
        disk::sync_folder(&self.blobs())?;
        Ok(self.flush_disk()?)
    }

    fn place_durable_index(&self, file: TemporaryFile) -> Result<(), Error> {
        disk::sync(file.as_file())?;
        // After the file has been synced, because a journal has then usually committed the names of the blobs as well:
        // there is little left to wait for.
        self.settle_all_blobs()?;
        disk::sync_folder(&self.blobs())?;
        disk::persist(file, &self.index_file())?;
        disk::sync_folder(self.root())?;
        self.flush_disk()?;
        self.forget_pending(INDEX)?;
        for generation in self.generations()? {
            remove_if_there(&generation.path)?;
        }
        Ok(())
    }

    /// Copies the index, if it is durable and there is no copy yet. To be called before a command writes much: syncing
    /// the copy may make a journal wait for the other files. The caller has the index lock.
    pub(in crate::store) fn keep_durable_index(&self) -> Result<(), Error> {
        if self.run_without_waiting().is_none() {
            return Ok(());
        }
        // Usually it is pending, which shows without reading it.
        if fs::metadata(self.index_file()).is_ok_and(|metadata| sys::is_marked(&metadata)) {
            return Ok(());
        }
        let Some((content, false)) = self.read_index_file()? else { return Ok(()) };
        let digest = Digest::of(&content);
        if self.generations()?.iter().any(|copy| copy.is_durable && copy.digest == digest) {
            return Ok(());
        }
        let copy = self.synced_file(&content)?;
        disk::persist(copy, &self.next_generation(&digest)?)?;
        disk::sync_folder(&self.copies())?;
        self.prune_generations()
    }

    /// Makes the copy of the `index`, which is on the disk, durable, and removes all others.
    pub(super) fn settle_generations(&self, index: &fs::File) -> Result<(), Error> {
        let current = Digest::of(&sys::read_open(index, limits::INDEX_READ_BYTES)?);
        let (kept, others): (Vec<_>, _) = self.generations()?.into_iter().partition(|copy| copy.digest == current);
        let Some(copy) = kept.first() else { return Ok(()) };
        let file = sys::open_regular(&copy.path)?;
        disk::sync(file.file())?;
        disk::sync_folder(&self.copies())?;
        disk::clear_mark(file.file())?;
        for other in others {
            remove_if_there(&other.path)?;
        }
        Ok(())
    }

    /// Returns the copies, the latest first.
    pub(super) fn generations(&self) -> io::Result<Vec<Generation>> {
        let mut found = Vec::new();
        for (name, metadata) in files(&self.copies())? {
            let Some((number, digest)) = name.split_once('-') else { continue };
            if let (Ok(number), Ok(digest)) = (number.parse(), format!("sha256:{digest}").parse()) {
                let is_durable = !sys::is_marked(&metadata);
                found.push(Generation { number, digest, is_durable, path: self.copies().join(name) });
            }
        }
        found.sort_unstable_by_key(|copy| std::cmp::Reverse(copy.number));
        Ok(found)
    }

    /// Removes the copies that are older than the latest durable one, and all but some of the pending ones.
    fn prune_generations(&self) -> Result<(), Error> {
        let (mut pending, mut has_durable) = (0, false);
        for copy in self.generations()? {
            let is_kept = if copy.is_durable { !has_durable } else { !has_durable && pending < PENDING_COPIES };
            has_durable |= copy.is_durable;
            pending += usize::from(!copy.is_durable);
            if !is_kept {
                remove_if_there(&copy.path)?;
            }
        }
        Ok(())
    }

    /// Returns the path of the next copy of the index, whose content has this digest.
    fn next_generation(&self, digest: &Digest) -> io::Result<PathBuf> {
        fs::create_dir_all(self.copies())?;
        let number = self.generations()?.first().map_or(0, |copy| copy.number + 1);
        Ok(self.copies().join(format!("{number}-{}", digest.hex())))
    }

    fn copies(&self) -> PathBuf {
        self.private("index")
    }
}
