//! The record of the layers in which no secrets were found.
//!
//! Empty files under `.kit/secrets`, each named by the digest of a layer and the version of the rules. An entry is a
//! fact about a digest, so it never becomes wrong. If one is missing, the layer is checked once more; there is no other
//! loss.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;

use fs_err as fs;

use crate::digest::Digest;
use crate::store::error::Error;
use crate::store::layout::Store;

impl Store {
    fn checked_for_secrets(&self) -> PathBuf {
        self.private("secrets")
    }

    fn secrets_mark(&self, layer: &Digest, rules: u32) -> PathBuf {
        self.checked_for_secrets().join(format!("{}-{rules}", layer.hex()))
    }

    /// Returns true if `layer` was checked by this version of the rules, and nothing was found.
    pub fn is_free_of_secrets(&self, layer: &Digest, rules: u32) -> bool {
        self.secrets_mark(layer, rules).is_file()
    }

    /// Records that this version of the rules found nothing in `layer`.
    pub fn note_free_of_secrets(&self, layer: &Digest, rules: u32) -> io::Result<()> {
        fs::create_dir_all(self.checked_for_secrets())?;
        // Not synced: without the file, the layer is checked again.
        fs::write(self.secrets_mark(layer, rules), b"")
    }

    /// Forgets the layers that the store no longer has. Those that are `needed` stay without a look at them.
    pub(in crate::store) fn forget_lost_checks(&self, needed: &HashSet<Digest>) -> Result<(), Error> {
        self.forget_lost_marks(&self.checked_for_secrets(), needed)
    }
}
