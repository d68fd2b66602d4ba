//! The record of the tables of contents that were compared with their layers.
//!
//! Empty files under `.kit/tables`, each named by the digests of a layer and of a table. An entry states a fact about
//! two digests, so it never becomes wrong. If one is missing, the layer is read once more; there is no other loss.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::digest::Digest;
use crate::oci::{CheckedTables, Content, Descriptor};
use crate::store::collect::{names, remove_if_there};
use crate::store::error::Error;
use crate::store::layout::{Names, Store};
use crate::store::links::LayerContent;
use crate::store::reader::Reader;
use crate::store::writer::Writer;

impl Store {
    fn tables(&self) -> PathBuf {
        self.private("tables")
    }

    fn table_mark(&self, layer: &Digest, table: &Digest) -> PathBuf {
        self.tables().join(format!("{}-{}", layer.hex(), table.hex()))
    }

    /// Forgets the tables of layers that the store no longer has. Those of `needed` layers stay without a look at them.
    pub(in crate::store) fn forget_lost_tables(&self, needed: &HashSet<Digest>) -> Result<(), Error> {
        self.forget_lost_marks(&self.tables(), needed)
    }

    /// Removes the files of `folder` whose names begin with the digest of a layer that the store no longer has.
    pub(super) fn forget_lost_marks(&self, folder: &Path, needed: &HashSet<Digest>) -> Result<(), Error> {
        for name in names(folder)? {
            let layer = name.split_once('-').and_then(|(layer, _)| Digest::from_hex(layer));
            if !layer.is_some_and(|layer| needed.contains(&layer) || self.still_has(&layer)) {
                remove_if_there(&folder.join(name))?;
            }
        }
        Ok(())
    }

    /// Returns true if the store has the layer, as a blob or as a recipe.
    pub(in crate::store) fn still_has(&self, layer: &Digest) -> bool {
        self.blob_path(layer).exists() || self.recipe(layer).is_ok_and(|recipe| recipe.is_some())
    }
}

impl CheckedTables for Store {
    fn is_checked(&self, layer: &Digest, table: &Digest) -> bool {
        self.table_mark(layer, table).is_file()
    }

    fn note_checked(&self, layer: &Digest, table: &Digest) -> io::Result<()> {
        fs::create_dir_all(self.tables())?;
        // Not synced: without the file, the comparison is made again.
        fs::write(self.table_mark(layer, table), b"")
    }

    fn layer<'a>(&'a self, layer: &Descriptor) -> Box<dyn Content + 'a> {
        Box::new(LayerContent { store: self.clone(), digest: layer.digest })
    }
}

impl Reader {
    /// Returns the record, if the store is the user's own: that of a layout from elsewhere proves nothing.
    pub(in crate::store) fn own_tables(&self) -> Option<&dyn CheckedTables> {
        matches!(self.names(), Names::Of(_)).then(|| self.store() as &dyn CheckedTables)
    }
}

impl Writer {
    /// Returns the record, if the store is the user's own.
    pub(in crate::store) fn own_tables(&self) -> Option<&dyn CheckedTables> {
        matches!(self.names(), Names::Of(_)).then(|| self.store() as &dyn CheckedTables)
    }
}
