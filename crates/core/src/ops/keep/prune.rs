//! Removing ModelKits without a name from the local store.

use std::time::{Duration, SystemTime};

use fs_err as fs;

use super::remove::{Removed, describe};
use crate::digest::Digest;
use crate::oci::Reference;
use crate::ops::collect::collect;
use crate::ops::error::Error;
use crate::progress::Progress;
use crate::store::{Collected, Entry, Members, Store};

/// The ModelKits to prune.
#[derive(Debug, Clone, Copy)]
pub struct PruneOptions {
    /// The minimum age.
    pub older_than: Duration,
    /// The number of the newest ModelKits without a name that are kept.
    pub keep: usize,
    /// The current time.
    pub now: SystemTime,
}

/// Returns the ModelKits without a name that [`prune`] would remove, newest first. Indexes and referrers are not among
/// them. The age is that of the manifest on disk.
pub fn prunable(store: &Store, options: &PruneOptions) -> Result<Vec<Removed>, Error> {
    let unnamed = |entry: &Entry| entry.name().is_none() && !entry.is_index() && entry.subject().is_none();
    let mut entries = Vec::new();
    for entry in store.entries()?.into_iter().filter(unnamed) {
        entries.push((written(store, &entry.descriptor.digest)?, entry));
    }
    entries.sort_by_key(|(time, entry)| (std::cmp::Reverse(*time), entry.descriptor.digest));
    let is_old = |time: SystemTime| options.now.duration_since(time).unwrap_or_default() >= options.older_than;
    let old = entries.iter().skip(options.keep).filter(|(time, _)| is_old(*time));
    Ok(old.map(|(_, entry)| describe(entry, &[])).collect())
}

/// Removes the ModelKits without a name that `options` select, then deletes the content that is no longer referenced.
pub fn prune(
    store: &Store,
    options: &PruneOptions,
    progress: &dyn Progress,
) -> Result<(Vec<Removed>, Collected), Error> {
    let chosen: Vec<_> = prunable(store, options)?;
    let is_chosen = |entry: &Entry| {
        let repository = entry.reference().map(Reference::full_repository);
        entry.name().is_none()
            && entry.subject().is_none()
            && chosen.iter().any(|removed| {
                *removed.digest() == entry.descriptor.digest
                    && repository.as_ref() == Some(&removed.reference().full_repository())
            })
    };
    let gone = store.remove_entries(Members::Keep, is_chosen)?;
    Ok((gone.iter().map(|entry| describe(entry, &[])).collect(), collect(store, progress)?))
}

/// The time at which the manifest was written. A manifest that is missing counts as old.
fn written(store: &Store, digest: &Digest) -> Result<SystemTime, Error> {
    match fs::metadata(store.blob_path(digest)).and_then(|metadata| metadata.modified()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(SystemTime::UNIX_EPOCH),
        time => Ok(time?),
    }
}
