//! Garbage collection: removes the blobs and recipes that nothing refers to.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use fs_err as fs;

use super::error::Error;
use super::index::Entry;
use super::layout::{Store, TEMPORARY_PREFIX};
use super::records::Record;
use crate::digest::Digest;
use crate::oci::{ContentError, Descriptor, Manifest};

/// The result of a collection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// The number of removed files.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// True if the collection was left to a process that is using the store.
    pub deferred: bool,
}

impl Store {
    /// Removes the blobs that no manifest of the index needs; removes nothing if a manifest cannot be read. While other
    /// processes use the store, this leaves only a request, and the last of them collects.
    pub fn collect(&self) -> Result<Collected, Error> {
        if !self.root().exists() {
            return Ok(Collected::default());
        }
        drop(self.prepare()?);
        if let Some(all) = self.lock_all_use()? {
            return self.collect_alone(&all);
        }
        fs::write(self.private(WANTED), [])?;
        // The last of the others may have ended before the request was there.
        Ok(self.collect_if_wanted()?.unwrap_or(Collected { deferred: true, ..Collected::default() }))
    }

    /// Collects if a collection was requested and no process uses the store.
    pub(super) fn collect_if_wanted(&self) -> Result<Option<Collected>, Error> {
        if !self.private(WANTED).exists() {
            return Ok(None);
        }
        let Some(all) = self.lock_all_use()? else { return Ok(None) };
        self.collect_alone(&all).map(Some)
    }

    /// Collects while this process holds `_all` of the use lock.
    fn collect_alone(&self, _all: &fs::File) -> Result<Collected, Error> {
        remove_if_there(&self.private(WANTED))?;
        self.remove_abandoned()?;
        self.sweep()
    }

    /// Removes what nothing needs. The caller must hold the use lock exclusively.
    pub(super) fn sweep(&self) -> Result<Collected, Error> {
        let mut record = self.read_record();
        let needed = self.needed_by(self.index()?.entries(), &mut record)?;
        let is_garbage = |name: &str| Digest::from_hex(name).is_some_and(|digest| !needed.contains(&digest));
        // After a crash, an earlier index must not lead to blobs that are removed now.
        self.settle_index()?;
        let mut removed = remove_files(&self.blobs(), is_garbage)?;
        let (recipes, bytes) =
            self.remove_recipes(|digest| !needed.contains(digest) || self.blob_path(digest).exists())?;
        removed.files += recipes;
        removed.bytes += bytes;
        self.forget_lost_layers(&needed, &mut record)?;
        self.forget_lost_tables(&needed)?;
        self.forget_lost_checks(&needed)?;
        self.forget_unpacked()?;
        self.write_record(&record)?;
        Ok(removed)
    }

    /// Returns the digests that the index leads to.
    ///
    /// Fails at a manifest that cannot be read: any blob may be one of its layers. Only the manifests that an index
    /// lists may be missing (image-spec 1.1, "Image Index": a client may have fetched some of them); they need nothing.
    pub(super) fn needed(&self) -> Result<HashSet<Digest>, Error> {
        self.needed_by(self.index()?.entries(), &mut Record::default())
    }

    /// Returns the digests that these entries lead to. The blobs of the manifests that `record` knows are taken from
    /// it, and those of the others are added to it.
    pub(super) fn needed_by(&self, entries: &[Entry], record: &mut Record) -> Result<HashSet<Digest>, Error> {
        let mut needed = HashSet::new();
        for entry in entries {
            let mut manifests = vec![entry.descriptor.clone()];
            while let Some(manifest) = manifests.pop() {
                if !needed.insert(manifest.digest) || !manifest.media_type.is_manifest() {
                    continue;
                }
                if let Some(blobs) = record.blobs(&manifest.digest) {
                    needed.extend(blobs);
                    continue;
                }
                let is_member = manifest.digest != entry.descriptor.digest;
                match self.read_document(&manifest).and_then(|bytes| parse_children(&bytes)) {
                    Ok(children) => {
                        record.note_manifest(&manifest.digest, &children);
                        manifests.extend(children);
                    }
                    Err(ContentError::NotFound(_)) if is_member => {}
                    Err(source) => return Err(unreadable(entry, &manifest, source)),
                }
            }
        }
        Ok(needed)
    }

    /// Returns the size of unfinished downloads, which the next pull resumes.
    pub fn unfinished_bytes(&self) -> Result<u64, Error> {
        let mut bytes = 0;
        for (_, metadata) in files(&self.ingest())? {
            bytes += metadata.len();
        }
        Ok(bytes)
    }

    /// Removes unfinished downloads, documents of registries, unreferenced blobs, and remembered layers.
    pub fn clear_unfinished(&self) -> Result<Collected, Error> {
        if !self.root().exists() {
            return Ok(Collected::default());
        }
        drop(self.prepare()?);
        let all = self.exclusive()?;
        let unfinished = self.drop_unfinished()?;
        let fetched = self.clear_fetched()?;
        self.forget_layers(|_| true)?;
        let garbage = self.sweep()?;
        drop(all);
        Ok(Collected {
            files: unfinished.files + fetched.files + garbage.files,
            bytes: unfinished.bytes + fetched.bytes + garbage.bytes,
            deferred: false,
        })
    }

    /// Removes unfinished downloads. The caller must hold the use lock exclusively.
    pub(super) fn drop_unfinished(&self) -> Result<Collected, Error> {
        remove_files(&self.ingest(), |_| true)
    }

    /// Removes temporary files. The caller must hold the use lock exclusively, so that no process is writing them.
    pub(super) fn remove_abandoned(&self) -> Result<(), Error> {
        self.remove_abandoned_recipes()?;
        remove_files(&self.ingest(), |name| name.starts_with(TEMPORARY_PREFIX)).map(drop)
    }
}

/// The file that requests a collection from the last user of the store.
const WANTED: &str = "collect";

/// Returns the descriptors in the bytes of a manifest or an index; none if they are neither.
pub(super) fn children(bytes: &[u8]) -> Vec<Descriptor> {
    parse_children(bytes).unwrap_or_default()
}

/// Returns the descriptors in the bytes of a manifest or an index. Fails if they are neither.
pub(super) fn parse_children(bytes: &[u8]) -> Result<Vec<Descriptor>, ContentError> {
    let not_a_manifest = match Manifest::parse(bytes) {
        Ok(manifest) => return Ok(manifest.blobs().cloned().collect()),
        Err(error) => error,
    };
    match serde_json::from_slice::<Listing>(bytes) {
        Ok(index) => Ok(index.manifests),
        Err(_) => Err(ContentError::Other(not_a_manifest.into())),
    }
}

/// An index that has a list of manifests, even an empty one: without it, every JSON object would be an index.
#[derive(serde::Deserialize)]
struct Listing {
    manifests: Vec<Descriptor>,
}

fn unreadable(entry: &Entry, manifest: &Descriptor, source: ContentError) -> Error {
    let name = entry.name().map_or_else(|| manifest.digest.to_string(), str::to_owned);
    Error::UnreadableManifest { name, digest: manifest.digest, source: Box::new(source) }
}

/// Returns the names in `folder`. One that does not exist is empty.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let Some(entries) = read_folder(folder)? else { return Ok(Vec::new()) };
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn read_folder(folder: &Path) -> io::Result<Option<fs::ReadDir>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the names in `folder` with the metadata of each. Where the names are enough, [`names`] is cheaper.
pub(super) fn files(folder: &Path) -> io::Result<Vec<(String, std::fs::Metadata)>> {
    let Some(entries) = read_folder(folder)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) => found.push((entry.file_name().to_string_lossy().into_owned(), metadata)),
            // Another process completed or removed the file in the meantime.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

pub(super) fn remove_files(folder: &Path, choose: impl Fn(&str) -> bool) -> Result<Collected, Error> {
    let mut collected = Collected::default();
    for name in names(folder)?.into_iter().filter(|name| choose(name)) {
        let path = folder.join(name);
        let bytes = fs::symlink_metadata(&path).map_or(0, |metadata| metadata.len());
        remove_if_there(&path)?;
        collected.files += 1;
        collected.bytes += bytes;
    }
    Ok(collected)
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    super::durability::disk::log::note_removal(path);
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
