//! The end of being pending: files that the system has written by itself are synced, which is quick by then.

use std::io;
use std::time::Duration;

use super::disk;
use super::pending::INDEX;
use crate::digest::Digest;
use crate::store::error::Error;
use crate::store::layout::Store;
use crate::sys;

/// The age from which a file is settled: Linux begins to write a file after 30 seconds (`vm.dirty_expire_centisecs`)
/// and looks for such files every 5 seconds (`vm.dirty_writeback_centisecs`).
const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// The number of blobs that one command settles: each sync may be a flush of the disk, which takes up to 10 ms.
const SETTLED_AT_ONCE: usize = 32;

/// The number of blobs that are open at once. A process may usually open 1,024 files.
const OPEN_AT_ONCE: usize = 256;

impl Store {
    /// Settles some of the files that were written long enough ago. The caller has a share of the use lock.
    pub(in crate::store) fn settle_some(&self) -> Result<(), Error> {
        let mut names = self.pending_for(SETTLED_AFTER)?;
        let has_index = names.iter().any(|name| name == INDEX);
        names.retain(|name| name != INDEX);
        names.truncate(SETTLED_AT_ONCE);
        self.settle_blobs(&names)?;
        if has_index && let Some(_lock) = self.try_lock_index()? {
            self.settle_index()?;
        }
        Ok(())
    }

    /// Settles everything, whatever its age.
    #[cfg(test)]
    pub(in crate::store) fn settle_now(&self) -> Result<(), Error> {
        self.settle_all_blobs()?;
        self.settle_index()
    }

    /// Waits until all pending blobs of this run are on the disk.
    pub(super) fn settle_all_blobs(&self) -> io::Result<()> {
        let mut names = self.pending_for(Duration::ZERO)?;
        names.retain(|name| name != INDEX);
        self.settle_blobs(&names)
    }

    fn settle_blobs(&self, names: &[String]) -> io::Result<()> {
        names.chunks(OPEN_AT_ONCE).try_for_each(|names| self.settle_open_blobs(names))
    }

    /// Settles the blobs `names`, all of whose files are opened.
    fn settle_open_blobs(&self, names: &[String]) -> io::Result<()> {
        let mut opened = Vec::new();
        for name in names {
            let blob: Option<Digest> = format!("sha256:{name}").parse().ok();
            match blob.map(|blob| sys::open_regular(&self.blob_path(&blob))) {
                Some(Ok(file)) => opened.push((name, file)),
                Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => self.forget_pending(name)?,
            }
        }
        if opened.is_empty() {
            return Ok(());
        }
        let files: Vec<_> = opened.iter().map(|(_, file)| file.file()).collect();
        disk::sync_all(&files, &self.blobs()).or_else(|error| {
            // The bytes may be lost although the system still runs: without the record, a blob is checked before its
            // next use.
            opened.iter().try_for_each(|(name, _)| self.forget_pending(name)).and(Err(error))
        })?;
        disk::sync_folder(&self.blobs())?;
        for (name, file) in opened {
            match disk::clear_mark(file.file()) {
                Ok(()) => self.forget_pending(name)?,
                // Only the user who stored the blob can do it.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until the index is on the disk. No other process may change it meanwhile: the caller has the index lock or
    /// all of the use lock.
    pub(in crate::store) fn settle_index(&self) -> Result<(), Error> {
        if !self.is_of_this_run(INDEX) {
            return Ok(());
        }
        let file = match sys::open_regular(&self.index_file()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self.forget_pending(INDEX)?),
            Err(error) => return Err(error.into()),
        };
        disk::sync(file.file())?;
        disk::sync_folder(self.root())?;
        let settled = self.settle_generations(&file).and_then(|()| Ok(disk::clear_mark(file.file())?));
        match settled {
            Ok(()) => Ok(self.forget_pending(INDEX)?),
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            Err(error) => Err(error),
        }
    }
}
