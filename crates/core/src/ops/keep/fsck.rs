//! Checking the local store: the digest of every blob, and the completeness of every ModelKit.

use std::collections::HashSet;
use std::io;

use crate::digest::Digest;
use crate::modelkit::ContentsTable;
use crate::oci::{CheckedTables, ContentError, Descriptor, Manifest};
use crate::ops::error::Error;
use crate::ops::files::tables;
use crate::ops::workers;
use crate::progress::{Phase, Progress};
use crate::recipe::Changed;
use crate::store::{self, BrokenEntry, Entry, Members, Names, Store};

/// The result of a check.
#[derive(Debug)]
pub struct Checked {
    /// The number of blobs that were read.
    pub blobs: usize,
    /// Their size in bytes.
    pub bytes: u64,
    /// The blobs whose content does not match their digest.
    pub damaged: Vec<Digest>,
    /// The names whose ModelKit is incomplete. A repair removes those of which nothing is left.
    pub broken: Vec<BrokenEntry>,
    /// The tables of contents that do not match their layers, each with the name of a ModelKit and the difference.
    pub wrong_tables: Vec<(String, Error)>,
    /// The changes of files from which linked layers were packed.
    pub changes: Vec<Changed>,
    /// The number of linked layers.
    pub links: usize,
    /// The size of the unreferenced blobs in bytes. They are not damaged, but occupy disk space.
    pub unreferenced_bytes: u64,
}

/// Reads every blob and every linked layer of the store and verifies its digest. Compares tables of contents with their
/// layers, if that was not done before.
///
/// A repair removes the damaged blobs, and the names of ModelKits that have no readable manifest or no sound layer.
/// Sound blobs always stay. It needs exclusive access to the store.
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
    let (mut damaged, changes): (HashSet<Digest>, Vec<_>) = verdicts.into_iter().flatten().unzip();
    let wrong_tables = wrong_tables(store, &mut damaged, jobs)?;
    let broken = store.broken_entries(&damaged)?;
    if repair {
        store.drop_blobs(&damaged)?;
        drop(alone);
        drop_lost_names(store, &broken)?;
        // Sound members of a lost index stay, without a name. Now only they can be lost.
        drop_lost_names(store, &store.broken_entries(&damaged)?)?;
    }
    let unreferenced_bytes = unreferenced_bytes(store)?;
    drop(share);
    let mut damaged: Vec<_> = damaged.into_iter().collect();
    damaged.sort_unstable();
    let changes = changes.into_iter().flatten().collect();
    let (blobs, links) = (blobs.len(), links.len());
    Ok(Checked { blobs, bytes, damaged, broken, wrong_tables, changes, links, unreferenced_bytes })
}

/// Returns the tables that do not match their layers, and adds them to `damaged`: without them, the layers are read. Of
/// a table in the manifest, the manifest is added.
fn wrong_tables(store: &Store, damaged: &mut HashSet<Digest>, jobs: usize) -> Result<Vec<(String, Error)>, Error> {
    let layers = layers_with_tables(store, damaged)?;
    let compared = workers::run(jobs, &layers, |TabledLayer { layer, .. }| {
        // A missing table is not an error: other tools copy a ModelKit without its referrers.
        let bytes = tables::bytes_by(layer, |table| store.layer(table)).unwrap_or_default();
        Ok::<_, Error>(bytes.and_then(|bytes| tables::check(store, layer, &bytes).err()))
    })?;
    let mut wrong = Vec::new();
    for (TabledLayer { modelkit, holder, .. }, error) in layers.into_iter().zip(compared) {
        if let Some(error) = error {
            damaged.insert(holder);
            wrong.push((modelkit, error));
        }
    }
    Ok(wrong)
}

/// A layer that has a table of contents.
struct TabledLayer {
    /// The name of a ModelKit with this layer.
    modelkit: String,
    layer: Descriptor,
    /// The blob that contains the table.
    holder: Digest,
}

/// Returns the sound layers that have a table of contents.
fn layers_with_tables(store: &Store, damaged: &HashSet<Digest>) -> Result<Vec<TabledLayer>, Error> {
    let (mut layers, mut seen) = (Vec::new(), HashSet::new());
    for entry in store.entries()? {
        let name = entry.name().map_or_else(|| entry.descriptor.digest.to_string(), str::to_owned);
        for descriptor in store.members(&entry.descriptor).into_iter().chain([entry.descriptor]) {
            let Ok(bytes) = store.read_document(&descriptor) else { continue };
            let Ok(manifest) = Manifest::parse(&bytes) else { continue };
            for layer in manifest.layers {
                let Some(table) = ContentsTable::of(&layer) else { continue };
                let holder = table.blob().map_or(descriptor.digest, |table| table.digest);
                if !damaged.contains(&layer.digest)
                    && store.has_layer(&layer)?
                    && seen.insert((layer.digest, table.digest(), holder))
                {
                    layers.push(TabledLayer { modelkit: name.clone(), layer, holder });
                }
            }
        }
    }
    Ok(layers)
}

/// Returns true if the error means that a recipe, or a file that it needs, is damaged.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn unreferenced_bytes(store: &Store) -> Result<u64, Error> {
    match store.unreferenced() {
        // The manifest is among the broken ones.
        Err(store::Error::UnreadableManifest { .. }) => Ok(0),
        unreferenced => Ok(unreferenced?.iter().map(|(_, size)| size).sum()),
    }
}

/// Removes the entries of which nothing is left.
fn drop_lost_names(store: &Store, broken: &[BrokenEntry]) -> Result<(), Error> {
    let is_lost =
        |entry: &Entry| broken.iter().any(|other| !other.is_recoverable && other.entry.descriptor == entry.descriptor);
    store.remove_entries(Members::Keep, is_lost)?;
    Ok(())
}
