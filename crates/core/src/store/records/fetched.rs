//! Manifests and configs that were read from registries: a document with a digest never changes, so that a repository
//! can be listed again with one request for each tag.
//!
//! Files under `.kit/fetched`, each named by the digest of its content, which is verified when it is read. When they
//! need too much space, the ones that were written first are removed.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tracing::debug;

use crate::digest::Digest;
use crate::limits;
use crate::oci::Descriptor;
use crate::store::collect::{Collected, files, remove_files, remove_if_there};
use crate::store::error::Error;
use crate::store::layout::Store;
use crate::sys;

/// The documents of a store that were read from registries.
#[derive(Debug)]
pub struct FetchedDocuments {
    store: Store,
    /// The size of all documents in bytes, once it is needed.
    bytes: Mutex<Option<u64>>,
}

impl Store {
    /// Opens the documents that were read from registries. A store that does not exist keeps none.
    pub fn fetched_documents(&self) -> FetchedDocuments {
        FetchedDocuments { store: self.clone(), bytes: Mutex::default() }
    }

    /// Returns the size of the documents that were read from registries.
    pub fn fetched_bytes(&self) -> Result<u64, Error> {
        Ok(files(&self.fetched())?.iter().map(|(_, metadata)| metadata.len()).sum())
    }

    /// Removes the documents that were read from registries.
    pub(in crate::store) fn clear_fetched(&self) -> Result<Collected, Error> {
        remove_files(&self.fetched(), |_| true)
    }

    fn fetched(&self) -> PathBuf {
        self.private("fetched")
    }
}

impl FetchedDocuments {
    /// Returns the bytes of `document`, verified, if they are kept.
    pub fn get(&self, document: &Descriptor) -> Option<Vec<u8>> {
        let bytes = sys::read_regular(&self.path(&document.digest), limits::FETCHED_DOCUMENT_BYTES).ok()?;
        (bytes.len() as u64 == document.size && Digest::of(&bytes) == document.digest).then_some(bytes)
    }

    /// Keeps `bytes`, which have been verified. A failure, such as that of a store that cannot be written to, only
    /// costs another request.
    pub fn keep(&self, digest: &Digest, bytes: &[u8]) {
        if bytes.len() as u64 > limits::FETCHED_DOCUMENT_BYTES || !self.store.root().exists() {
            return;
        }
        if let Err(error) = self.try_keep(digest, bytes) {
            debug!(%error, %digest, "the document is not kept");
        }
    }

    fn try_keep(&self, digest: &Digest, bytes: &[u8]) -> Result<(), Error> {
        let mut known = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match *known {
            Some(bytes) => bytes,
            None => self.store.fetched_bytes()?,
        };
        let before = if before > limits::FETCHED_BYTES { self.make_room()? } else { before };
        *known = Some(before + bytes.len() as u64);
        drop(known);
        fs_err::create_dir_all(self.store.fetched())?;
        fs_err::create_dir_all(self.store.ingest())?;
        let mut file = self.store.temporary_file()?;
        file.write_all(bytes)?;
        // Not synced: an incomplete document does not match its digest.
        Ok(file.persist(&self.path(digest))?)
    }

    /// Removes the oldest documents until half of the space is free, and returns the size of the others.
    fn make_room(&self) -> io::Result<u64> {
        let mut kept = files(&self.store.fetched())?;
        kept.sort_by_cached_key(|(name, metadata)| (metadata.modified().ok(), name.clone()));
        let mut bytes: u64 = kept.iter().map(|(_, metadata)| metadata.len()).sum();
        for (name, metadata) in kept {
            if bytes <= limits::FETCHED_BYTES / 2 {
                break;
            }
            remove_if_there(&self.store.fetched().join(name))?;
            bytes -= metadata.len();
        }
        Ok(bytes)
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.store.fetched().join(digest.hex())
    }
}
