//! The check of a pending blob of another run of the system, before its first use.

use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::sync::PoisonError;

use fs_err as fs;

use super::disk;
use crate::digest::{Digest, DigestWriter};
use crate::progress::Warning;
use crate::store::error::Error;
use crate::store::index::Entry;
use crate::store::layout::Store;
use crate::store::lock::is_unwritable;
use crate::store::records::Record;
use crate::store::waiting::Kind;
use crate::sys;

/// The size from which a check takes long enough to be reported.
const REPORTED_FROM_BYTES: u64 = 256 * 1024 * 1024;

impl Store {
    /// Returns true if the blob, a file with this `metadata`, may be used. A pending one of another run is verified; it
    /// is then trusted from now on, or removed and reported.
    pub(in crate::store) fn confirm(&self, blob: &Digest, metadata: &Metadata) -> Result<bool, Error> {
        if !sys::is_marked(metadata) || self.is_of_this_run(&blob.hex()) {
            return Ok(true);
        }
        if let Some(verdict) = self.verdict(blob) {
            return Ok(verdict);
        }
        let Some(file) = open_if_there(&self.blob_path(blob))? else { return Ok(false) };
        if metadata.len() >= REPORTED_FROM_BYTES {
            self.waiting().notifier.warn(&Warning::CheckingAfterRestart { digest: *blob, bytes: metadata.len() });
        }
        if digest_of(&file)? == *blob {
            self.trust(blob, &file);
            return Ok(true);
        }
        self.remove_lost(blob, &file)?;
        Ok(false)
    }

    /// Trusts a blob that was read and verified, so that it is not read again for this purpose.
    pub(in crate::store) fn trust_verified(&self, blob: &Digest) -> io::Result<()> {
        if let Some(file) = open_if_there(&self.blob_path(blob))?
            && sys::is_marked(&file.metadata()?)
            && !self.is_of_this_run(&blob.hex())
        {
            self.trust(blob, &file);
        }
        Ok(())
    }

    /// Remembers that `file` has the bytes of `blob`.
    fn trust(&self, blob: &Digest, file: &fs::File) {
        self.note_verdict(blob, true);
        // The bytes came from the disk, unless the record of this run was lost. An error, such as that of a store that
        // must not be written to, only costs another check.
        drop(disk::sync(file.file()).and_then(|()| sys::clear_mark(file.file())));
    }

    fn verdict(&self, blob: &Digest) -> Option<bool> {
        self.durability().verdicts.lock().unwrap_or_else(PoisonError::into_inner).get(blob).copied()
    }

    fn note_verdict(&self, blob: &Digest, verdict: bool) {
        self.durability().verdicts.lock().unwrap_or_else(PoisonError::into_inner).insert(*blob, verdict);
    }

    /// Removes the blob of `file`, whose bytes were lost, and reports the entries that need it.
    fn remove_lost(&self, blob: &Digest, file: &fs::File) -> Result<(), Error> {
        // First, because the report reads manifests, which may be lost as well.
        self.note_verdict(blob, false);
        self.report_lost(blob)?;
        let path = self.blob_path(blob);
        // Another process may have found the loss as well, and may have stored the blob again since then.
        let removed = self.removal_lock().and_then(|_lock| {
            if sys::is_still_at(file.file(), &path)? {
                fs::remove_file(&path)?;
            }
            Ok(())
        });
        match removed {
            // The blob is not used in a store that cannot be changed either.
            Err(Error::Io { source, .. }) if is_unwritable(&source) => Ok(()),
            removed => removed,
        }
    }

    /// Takes a lock that only one process has while it removes a lost blob.
    fn removal_lock(&self) -> Result<fs::File, Error> {
        let lock = sys::open_lock_file(&self.private("lost.lock"))?;
        self.waiting().take(&lock, Kind::Exclusive)?;
        Ok(lock)
    }

    /// Warns about each entry that needs `blob`.
    fn report_lost(&self, blob: &Digest) -> Result<(), Error> {
        for entry in self.entries()? {
            let needed = self.needed_by(std::slice::from_ref(&entry), &mut Record::default()).unwrap_or_default();
            if needed.contains(blob) || entry.descriptor.digest == *blob {
                self.warn_of_loss(&entry);
            }
        }
        Ok(())
    }

    pub(super) fn warn_of_loss(&self, entry: &Entry) {
        let digest = entry.descriptor.digest.to_string();
        let modelkit = entry.name().unwrap_or(&digest);
        self.waiting().notifier.warn(&Warning::LostInCrash { modelkit });
    }
}

fn digest_of(file: &fs::File) -> io::Result<Digest> {
    let mut writer = DigestWriter::new(io::sink());
    io::copy(&mut io::BufReader::with_capacity(1024 * 1024, file.file()), &mut writer)?;
    Ok(writer.finish().1)
}

fn open_if_there(path: &Path) -> io::Result<Option<fs::File>> {
    match sys::open_regular(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
