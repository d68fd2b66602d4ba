//! Checking the local store: every blob against its name, every ModelKit for completeness.

use std::collections::HashSet;
use std::io;

use crate::digest::Digest;
use crate::oci::ContentError;
use crate::ops::error::Error;
use crate::ops::workers;
use crate::progress::{Phase, Progress};
use crate::recipe::Changed;
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
    /// Which files are not what linked layers were packed from, in words.
    pub changes: Vec<Changed>,
    /// How many layers are linked.
    pub links: usize,
    /// Bytes of blobs that nothing refers to: no damage, only space.
    pub unreferenced_bytes: u64,
}

/// Reads every blob of the store, and every layer that is linked, and compares.
///
/// With `repair`, damaged blobs and names that lead to what is not whole are removed; the store must not be in use then.
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

/// Whether a recipe is to blame, or a file that it needs.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn drop_names(store: &Store, broken: &[BrokenEntry]) -> Result<(), Error> {
    let is_broken = |entry: &crate::store::Entry| broken.iter().any(|other| other.entry.descriptor == entry.descriptor);
    store.remove_entries(is_broken)?;
    Ok(())
}
