//! Checking the local store: every blob against its name, every ModelKit for completeness.

use std::collections::HashSet;

use super::{Error, workers};
use crate::digest::Digest;
use crate::oci::ContentError;
use crate::progress::{Phase, Progress};
use crate::store::{BrokenEntry, Names, Store};

/// What a check found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// How many blobs were read.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Blobs that are not what their name says.
    pub damaged: Vec<Digest>,
    /// Names whose ModelKit is not whole.
    pub broken: Vec<BrokenEntry>,
    /// Bytes of blobs that nothing refers to: no damage, only space.
    pub unreferenced_bytes: u64,
}

/// Reads every blob of the store and compares.
///
/// With `repair`, damaged blobs and names that lead to what is not whole are removed; the store must not be in use then.
pub fn check(store: &Store, repair: bool, jobs: usize, progress: &dyn Progress) -> Result<Checked, Error> {
    let alone = if repair && store.root().exists() { Some(store.exclusive()?) } else { None };
    let share = if repair { None } else { Some(store.reader(Names::Tags)?) };
    let blobs = store.blobs_on_disk()?;
    let bytes = blobs.iter().map(|(_, size)| size).sum();
    let task = progress.start(Phase::Verifying, "local store", Some(bytes));
    let verdicts = workers::run(jobs, &blobs, |(digest, size)| {
        match store.verify_blob(*digest, *size, &|bytes| task.advance(bytes)) {
            Ok(()) => Ok(None),
            Err(ContentError::Io(error)) => Err(Error::Io(error)),
            Err(_) => Ok(Some(*digest)),
        }
    })?;
    drop(task);
    let damaged: HashSet<Digest> = verdicts.into_iter().flatten().collect();
    let broken = store.broken_entries(&damaged)?;
    let unreferenced_bytes = store.unreferenced()?.iter().map(|(_, size)| size).sum();
    drop(share);
    if repair {
        store.drop_blobs(&damaged)?;
        drop(alone);
        drop_names(store, &broken)?;
        store.collect()?;
    }
    let mut damaged: Vec<_> = damaged.into_iter().collect();
    damaged.sort_unstable();
    Ok(Checked { blobs: blobs.len(), bytes, damaged, broken, unreferenced_bytes })
}

fn drop_names(store: &Store, broken: &[BrokenEntry]) -> Result<(), Error> {
    let is_broken = |entry: &crate::store::Entry| broken.iter().any(|other| other.entry.descriptor == entry.descriptor);
    store.remove_entries(is_broken)?;
    Ok(())
}
