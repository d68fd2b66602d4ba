//! The layers that were packed from the files of a project, so that unchanged files need not be read again.
//!
//! Small files under `.kit/layers`, each named by a key that represents the state of the files. If one of them is
//! missing or damaged, the layer has to be packed again; there is no other loss.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::PathBuf;

use fs_err as fs;
use serde::{Deserialize, Serialize};

use super::collected::Record;
use crate::digest::Digest;
use crate::oci::Descriptor;
use crate::store::collect::{names, remove_if_there};
use crate::store::error::Error;
use crate::store::layout::Store;
use crate::store::writer::Writer;
use crate::sys;

/// Far more than the digests and sizes of a layer.
const LAYER_LIMIT: u64 = 64 * 1024;

/// The remembered descriptor of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedLayer {
    /// The blob of the layer.
    pub blob: Descriptor,
    /// The digest of its uncompressed bytes.
    pub diff_id: Digest,
}

impl Writer {
    /// Returns the layer remembered under `key`, if the store still has its blob, which then stays as long as the
    /// writer exists.
    pub fn remembered_layer(&self, key: &Digest) -> Result<Option<RememberedLayer>, Error> {
        let store = self.store();
        let Some(layer) = store.remembered_even_if_lost(key) else { return Ok(None) };
        Ok(if store.has_blob(&layer.blob)? { Some(layer) } else { None })
    }

    /// Remembers `layer` under `key`.
    pub fn remember_layer(&self, key: &Digest, layer: &RememberedLayer) -> Result<(), Error> {
        let store = self.store();
        fs::create_dir_all(store.layers())?;
        let mut file = store.temporary_file()?;
        file.write_all(&serde_json::to_vec(layer).map_err(io::Error::from)?)?;
        // Not synced: an incomplete file is not valid JSON, and is ignored.
        Ok(file.persist(&store.layers().join(key.hex()))?)
    }
}

impl Store {
    /// Returns the number of remembered layers.
    pub fn remembered_layers(&self) -> Result<usize, Error> {
        Ok(names(&self.layers())?.len())
    }

    /// Removes the remembered layers whose key `choose` selects.
    pub(in crate::store) fn forget_layers(&self, choose: impl Fn(&str) -> bool) -> Result<(), Error> {
        for name in names(&self.layers())? {
            if choose(&name) {
                remove_if_there(&self.layers().join(&name))?;
            }
        }
        Ok(())
    }

    /// Removes the remembered layers of which the store has neither a blob nor a recipe. Those that are `needed` stay
    /// without a look at their blobs, and those that the `record` knows are not read.
    pub(in crate::store) fn forget_lost_layers(
        &self,
        needed: &HashSet<Digest>,
        record: &mut Record,
    ) -> Result<(), Error> {
        for name in names(&self.layers())? {
            let key = Digest::from_hex(&name);
            let known = key.and_then(|key| record.layer(&key)).filter(|blob| needed.contains(blob));
            if known.is_some() {
                continue;
            }
            match self.read_remembered(&name) {
                Some(layer)
                    if needed.contains(&layer.blob.digest) || self.has_layer(&layer.blob).unwrap_or_default() =>
                {
                    if let Some(key) = key {
                        record.note_layer(&key, layer.blob.digest);
                    }
                }
                _ => remove_if_there(&self.layers().join(&name))?,
            }
        }
        Ok(())
    }

    /// Returns the layer remembered under `key`, even if the store no longer has it.
    pub(in crate::store) fn remembered_even_if_lost(&self, key: &Digest) -> Option<RememberedLayer> {
        self.read_remembered(&key.hex())
    }

    fn read_remembered(&self, name: &str) -> Option<RememberedLayer> {
        serde_json::from_slice(&sys::read_regular(&self.layers().join(name), LAYER_LIMIT).ok()?).ok()
    }

    fn layers(&self) -> PathBuf {
        self.private("layers")
    }
}
