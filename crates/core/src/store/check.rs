//! Finds damage: blobs that do not match their digest, and entries with missing blobs.

use std::collections::HashSet;
use std::io::{self, Read};

use fs_err as fs;

use super::collect::{files, parse_children, remove_if_there};
use super::error::Error;
use super::index::Entry;
use super::layout::Store;
use super::links::LayerContent;
use super::records::Record;
use crate::digest::{Digest, VerifyingReader};
use crate::oci::{Content, ContentError, Descriptor, Manifest, MediaType};
use crate::sys;

/// An entry of the index whose artifact is incomplete.
#[derive(Debug, Clone)]
pub struct BrokenEntry {
    /// The entry.
    pub entry: Entry,
    /// The missing or damaged blobs.
    pub blobs: Vec<Digest>,
    /// True if the manifest is readable and one of its layers, or a manifest of the index, is sound: when only the
    /// missing blobs are fetched again, the artifact is complete.
    pub is_recoverable: bool,
}

impl Store {
    /// Returns every blob file with its size in bytes, sorted by digest.
    pub fn blobs_on_disk(&self) -> Result<Vec<(Digest, u64)>, Error> {
        let named = files(&self.blobs())?;
        let blob = |(name, metadata): &(String, std::fs::Metadata)| {
            Some((format!("sha256:{name}").parse().ok()?, metadata.len()))
        };
        let mut blobs: Vec<_> = named.iter().filter_map(blob).collect();
        blobs.sort_unstable();
        Ok(blobs)
    }

    /// Reads a whole blob, or a layer by its recipe, and verifies its digest; `advance` is called with the number of
    /// bytes of each read.
    pub fn verify_blob(&self, digest: Digest, size: u64, advance: &dyn Fn(u64)) -> Result<(), ContentError> {
        let layer = LayerContent { store: self.clone(), digest };
        let opened = match sys::open_regular(&self.blob_path(&digest)) {
            // A pending blob need not be read before, to confirm it.
            Ok(file) => Box::new(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => layer.open_at(0)?,
            Err(error) => return Err(error.into()),
        };
        let mut reader = VerifyingReader::new(opened, digest, size);
        let mut buffer = vec![0; 1024 * 1024];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(self.trust_verified(&digest)?),
                read => advance(read as u64),
            }
        }
    }

    /// Returns the entries with a blob that is missing, has another size than its descriptor says, or is among
    /// `damaged`.
    pub fn broken_entries(&self, damaged: &HashSet<Digest>) -> Result<Vec<BrokenEntry>, Error> {
        let mut broken = Vec::new();
        for entry in self.entries()? {
            let is_sound = |blob: &Descriptor| Ok(!damaged.contains(&blob.digest) && self.has_layer(blob)?);
            let blobs = self.broken_blobs(&entry.descriptor, &is_sound)?;
            if !blobs.is_empty() {
                let is_recoverable = self.has_sound_part(&entry.descriptor, damaged)?;
                broken.push(BrokenEntry { entry, blobs, is_recoverable });
            }
        }
        Ok(broken)
    }

    /// Returns true if a blob of the entry is missing. Reads only its documents.
    pub(super) fn lacks_blobs(&self, entry: &Entry) -> Result<bool, Error> {
        let is_there = |blob: &Descriptor| Ok(self.still_has(&blob.digest));
        Ok(!self.broken_blobs(&entry.descriptor, &is_there)?.is_empty())
    }

    fn broken_blobs(
        &self,
        manifest: &Descriptor,
        is_sound: &dyn Fn(&Descriptor) -> Result<bool, Error>,
    ) -> Result<Vec<Digest>, Error> {
        let mut broken = Vec::new();
        let mut seen = HashSet::new();
        let mut left = vec![manifest.clone()];
        while let Some(blob) = left.pop() {
            if !seen.insert(blob.digest) {
                continue;
            }
            if !is_sound(&blob)? {
                broken.push(blob.digest);
            } else if blob.media_type == MediaType::IMAGE_INDEX {
                // An index may have been stored without its members.
                let is_here = |member: &Descriptor| {
                    fs::metadata(self.blob_path(&member.digest)).is_ok_and(|metadata| metadata.len() == member.size)
                };
                left.extend(self.members(&blob).into_iter().filter(is_here));
            } else if blob.media_type.is_manifest() {
                match self.read_document(&blob).and_then(|bytes| parse_children(&bytes)) {
                    Ok(children) => left.extend(children),
                    Err(_) => broken.push(blob.digest),
                }
            }
        }
        Ok(broken)
    }

    fn has_sound_part(&self, manifest: &Descriptor, damaged: &HashSet<Digest>) -> Result<bool, Error> {
        if damaged.contains(&manifest.digest) || !self.has_blob(manifest)? {
            return Ok(false);
        }
        let Ok(bytes) = self.read_document(manifest) else { return Ok(false) };
        let parts = match Manifest::parse(&bytes) {
            Ok(manifest) => manifest.layers,
            Err(_) => parse_children(&bytes).unwrap_or_default(),
        };
        for part in parts {
            if !damaged.contains(&part.digest) && self.has_layer(&part)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the blobs that no entry needs, with their sizes: those that [`collect`](Self::collect) would remove.
    pub fn unreferenced(&self) -> Result<Vec<(Digest, u64)>, Error> {
        let needed = self.needed()?;
        Ok(self.blobs_on_disk()?.into_iter().filter(|(digest, _)| !needed.contains(digest)).collect())
    }

    /// Removes blobs and recipes, and the records about them. The caller must hold the use lock exclusively.
    pub fn drop_blobs(&self, blobs: &HashSet<Digest>) -> Result<(), Error> {
        for digest in blobs {
            remove_if_there(&self.blob_path(digest))?;
        }
        self.remove_recipes(|digest| blobs.contains(digest))?;
        let needed = HashSet::new();
        self.forget_lost_layers(&needed, &mut Record::default())?;
        self.forget_lost_tables(&needed)?;
        self.forget_lost_checks(&needed)
    }
}
