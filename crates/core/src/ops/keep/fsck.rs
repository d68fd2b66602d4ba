//! Checking the local store: the digest of every blob, and the completeness of every ModelKit.

use std::collections::HashSet;
use std::io;

use crate::digest::Digest;
use crate::oci::ContentError;
use crate::ops::error::Error;
use crate::ops::workers;
use crate::progress::{Phase, Progress};
use crate::recipe::Changed;
use crate::store::{BrokenEntry, Names, Store};

/// The result of a check.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The number of blobs that were read.
    pub blobs: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// The blobs whose content does not match their digest.
    pub damaged: Vec<Digest>,
    /// The names whose ModelKit is incomplete.
    pub broken: Vec<BrokenEntry>,
    /// The changes of files from which linked layers were packed.
    pub changes: Vec<Changed>,
    /// The number of linked layers.
    pub links: usize,
    /// The size of the unreferenced blobs in bytes. They are not damaged, but occupy disk space.
    pub unreferenced_bytes: u64,
}

/// Reads every blob and every linked layer of the store and verifies its digest.
///
/// With `repair`, damaged blobs and names of incomplete ModelKits are removed; this needs exclusive access to the
/// store.
pub fn check(store: &Store, repair: bool, jobs: usize, progress: &dyn Progress) -> Result<Checked, Error> {
    let alone = if repair && store.root().exists() { Some(store.exclusive()?) } else { None };
    let share = if repair { None } else { Some(store.reader(Names::Tags)?) };
    let mut blobs = store.blobs_on_disk()?;
    let links = store.links()?;
    blobs.extend_from_slice(&links);
    let bytes = blobs.iter().map(|(_, size)| size).sum();
    let task = progress.start(Phase::Verifying, "local store", Some(bytes));
    let verdicts = workers::run(jobs, &blobs, |(digest, size)| {
        match store.verify_blob(*digest, *size, &|bytes| task.advance(bytes)) {
            Ok(()) => Ok(None),
            Err(ContentError::Io(error)) if is_damage(&error) => Ok(Some((*digest, Changed::in_io(&error).cloned()))),
            Err(ContentError::Io(error)) => Err(Error::Io(error)),
            Err(_) => Ok(Some((*digest, None))),
        }
    })?;
    drop(task);
    let (damaged, changes): (HashSet<Digest>, Vec<_>) = verdicts.into_iter().flatten().unzip();
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
    let changes = changes.into_iter().flatten().collect();
    Ok(Checked { blobs: blobs.len(), bytes, damaged, broken, changes, links: links.len(), unreferenced_bytes })
}

/// Returns true if the error means that a recipe, or a file that it needs, is damaged.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn drop_names(store: &Store, broken: &[BrokenEntry]) -> Result<(), Error> {
    let is_broken = |entry: &crate::store::Entry| broken.iter().any(|other| other.entry.descriptor == entry.descriptor);
    store.remove_entries(is_broken)?;
    Ok(())
}
