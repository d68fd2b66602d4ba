//! Removing what nothing refers to.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use fs_err as fs;

use super::error::Error;
use super::layout::{Store, TEMPORARY_PREFIX};
use crate::digest::Digest;
use crate::oci::{ContentError, Descriptor, Index, Manifest};

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether the work was left to a process that uses the store right now.
    pub deferred: bool,
}

impl Store {
    /// Removes the blobs that no manifest of the index needs. While other processes use the store, only a note is left, and
    /// the last of them does the work.
    pub fn collect(&self) -> Result<Collected, Error> {
        if !self.root().exists() {
            return Ok(Collected::default());
        }
        drop(self.prepare()?);
        fs::write(self.private(WANTED), [])?;
        Ok(self.collect_if_wanted()?.unwrap_or(Collected { deferred: true, ..Collected::default() }))
    }

    /// Does the work if somebody left a note and nobody uses the store.
    pub(super) fn collect_if_wanted(&self) -> Result<Option<Collected>, Error> {
        if !self.private(WANTED).exists() {
            return Ok(None);
        }
        let Some(_all) = self.lock_all_use()? else { return Ok(None) };
        remove_if_there(&self.private(WANTED))?;
        self.remove_abandoned()?;
        self.sweep().map(Some)
    }

    fn sweep(&self) -> Result<Collected, Error> {
        let needed = self.needed()?;
        let is_garbage =
            |name: &str| format!("sha256:{name}").parse().is_ok_and(|digest: Digest| !needed.contains(&digest));
        let mut removed = remove_files(&self.blobs(), is_garbage)?;
        let (recipes, bytes) =
            self.remove_recipes(|digest| !needed.contains(digest) || self.blob_path(digest).exists())?;
        removed.files += recipes;
        removed.bytes += bytes;
        self.forget_lost_layers()?;
        Ok(removed)
    }

    /// The digests that the index leads to. A manifest that is missing or damaged leads nowhere.
    pub(super) fn needed(&self) -> Result<HashSet<Digest>, Error> {
        let mut needed = HashSet::new();
        let mut manifests: Vec<Descriptor> = self.entries()?.into_iter().map(|entry| entry.descriptor).collect();
        while let Some(manifest) = manifests.pop() {
            if !needed.insert(manifest.digest) || !manifest.media_type.is_manifest() {
                continue;
            }
            match self.read_document(&manifest) {
                Ok(bytes) => manifests.extend(children(&bytes)),
                Err(ContentError::Io(error)) => return Err(error.into()),
                Err(_) => {}
            }
        }
        Ok(needed)
    }

    /// The bytes of unfinished downloads, which the next pull continues.
    pub fn unfinished_bytes(&self) -> Result<u64, Error> {
        let mut bytes = 0;
        for (_, metadata) in files(&self.ingest())? {
            bytes += metadata.len();
        }
        Ok(bytes)
    }

    /// Removes unfinished downloads, what nothing refers to, and what is remembered of layers.
    pub fn clear_unfinished(&self) -> Result<Collected, Error> {
        if !self.root().exists() {
            return Ok(Collected::default());
        }
        drop(self.prepare()?);
        let all = self.exclusive()?;
        let unfinished = remove_files(&self.ingest(), |_| true)?;
        self.forget_layers(|_| true)?;
        let garbage = self.sweep()?;
        drop(all);
        Ok(Collected {
            files: unfinished.files + garbage.files,
            bytes: unfinished.bytes + garbage.bytes,
            deferred: false,
        })
    }

    /// Removes temporary files. The caller has the whole use lock, so nobody is writing them any more.
    pub(super) fn remove_abandoned(&self) -> Result<(), Error> {
        self.remove_abandoned_recipes()?;
        remove_files(&self.ingest(), |name| name.starts_with(TEMPORARY_PREFIX)).map(drop)
    }
}

/// The note that asks the last user of the store to collect.
const WANTED: &str = "collect";

/// What the bytes of a manifest or index refer to.
pub(super) fn children(bytes: &[u8]) -> Vec<Descriptor> {
    if let Ok(manifest) = Manifest::parse(bytes) {
        return manifest.blobs().cloned().collect();
    }
    serde_json::from_slice::<Index>(bytes).map(|index| index.manifests).unwrap_or_default()
}

pub(super) fn files(folder: &Path) -> io::Result<Vec<(String, std::fs::Metadata)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        match entry.metadata() {
            Ok(metadata) => found.push((entry.file_name().to_string_lossy().into_owned(), metadata)),
            // Another process finished or dropped the file meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn remove_files(folder: &Path, choose: impl Fn(&str) -> bool) -> Result<Collected, Error> {
    let mut collected = Collected::default();
    for (name, metadata) in files(folder)? {
        if choose(&name) {
            remove_if_there(&folder.join(&name))?;
            collected.files += 1;
            collected.bytes += metadata.len();
        }
    }
    Ok(collected)
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
