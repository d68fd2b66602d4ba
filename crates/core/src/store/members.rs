//! Image indexes in a store: the members of an index are in its repository as long as the index is, without entries of
//! their own.

use super::collect::children;
use super::error::Error;
use super::index::{Entry, enter};
use super::layout::Store;
use super::referrers::drop_orphans;
use super::writer::Writer;
use crate::digest::Digest;
use crate::oci::{Annotations, Descriptor, MediaType};

impl Store {
    /// Returns the manifests that `index` leads to; none if it is not an index, or is damaged.
    pub fn members(&self, index: &Descriptor) -> Vec<Descriptor> {
        if index.media_type != MediaType::IMAGE_INDEX {
            return Vec::new();
        }
        let bytes = self.read_document(index).unwrap_or_default();
        // Annotations that the index gives its members, such as names, do not apply to the store.
        let member = |child| Descriptor { annotations: Annotations::new(), ..child };
        children(&bytes).into_iter().map(member).collect()
    }
}

impl Writer {
    /// Moves `tag` to an index that the store already has. Returns false if `tag` no longer points to `old`.
    ///
    /// Unlike a ModelKit that loses its last name, the index `old` is then removed from the repository: it was only a
    /// list.
    pub fn replace_index(&self, old: Option<Digest>, new: &Descriptor, tag: &str) -> Result<bool, Error> {
        let (store, names) = (self.store(), self.names());
        store.change_index(|entries| {
            let current = entries.iter().find(|entry| names.call(entry, tag)).map(|entry| entry.descriptor.digest);
            if current != old {
                return false;
            }
            enter(entries, names, new, Some(tag));
            let is_old = |entry: &Entry| names.include(entry) && Some(entry.descriptor.digest) == old;
            entries.retain(|entry| entry.name().is_some() || !is_old(entry));
            drop_orphans(entries, |manifest| store.members(manifest));
            true
        })
    }
}
