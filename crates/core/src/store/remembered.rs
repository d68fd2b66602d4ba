//! Which layers the files of a project became the last time, so that files that are as they were need not be read again.
//!
//! Small files under `.kit/layers`, each named by a key that stands for the state of the files. What is missing or damaged
//! here costs the time of packing the layer again, and nothing else.

use std::io::{self, Write};
use std::path::PathBuf;

use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::collect::{files, remove_if_there};
use super::error::Error;
use super::layout::Store;
use super::writer::Writer;
use crate::digest::Digest;
use crate::oci::Descriptor;

/// What is remembered of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedLayer {
    /// The layer's blob.
    pub blob: Descriptor,
    /// The digest of its uncompressed bytes.
    pub diff_id: Digest,
}

impl Writer {
    /// The layer under `key`, if the store still has its blob, which then stays as long as the writer lives.
    pub fn remembered_layer(&self, key: &Digest) -> Result<Option<RememberedLayer>, Error> {
        let store = self.store();
        let Some(layer) = store.remembered_anyhow(key) else { return Ok(None) };
        Ok(if store.has_blob(&layer.blob)? { Some(layer) } else { None })
    }

    /// Remembers `layer` under `key`.
    pub fn remember_layer(&self, key: &Digest, layer: &RememberedLayer) -> Result<(), Error> {
        let store = self.store();
        fs::create_dir_all(store.layers())?;
        let mut file = store.temporary_file()?;
        serde_json::to_writer(&mut file, layer).map_err(io::Error::from)?;
        file.flush()?;
        // Not synced: half a file is no JSON, and then nothing is remembered.
        file.persist(store.layers().join(key.hex())).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Store {
    /// How many layers are remembered.
    pub fn remembered_layers(&self) -> Result<usize, Error> {
        Ok(files(&self.layers())?.len())
    }

    /// Forgets the layers whose key `choose` takes.
    pub(super) fn forget_layers(&self, choose: impl Fn(&str) -> bool) -> Result<(), Error> {
        for (name, _) in files(&self.layers())? {
            if choose(&name) {
                remove_if_there(&self.layers().join(&name))?;
            }
        }
        Ok(())
    }

    /// Forgets the layers that the store has neither a blob nor a recipe of.
    pub(super) fn forget_lost_layers(&self) -> Result<(), Error> {
        let is_there = |layer: RememberedLayer| self.has_layer(&layer.blob).unwrap_or_default();
        self.forget_layers(|name| !self.read_remembered(name).is_some_and(is_there))
    }

    /// The layer under `key`, be it there or not.
    pub(super) fn remembered_anyhow(&self, key: &Digest) -> Option<RememberedLayer> {
        self.read_remembered(&key.hex())
    }

    fn read_remembered(&self, name: &str) -> Option<RememberedLayer> {
        serde_json::from_slice(&fs::read(self.layers().join(name)).ok()?).ok()
    }

    fn layers(&self) -> PathBuf {
        self.private("layers")
    }
}
