//! Image indexes in a store: the members of an index are in its repository as long as the index is, without entries of
//! their own. An index may also refer to members that the store does not have.

use super::collect::children;
use super::error::Error;
use super::index::{Entry, enter};
use super::layout::{Names, Store};
use super::referrers::drop_orphans;
use super::writer::Writer;
use crate::digest::Digest;
use crate::oci::{Annotations, Descriptor, MediaType};

/// The treatment of the members of a removed index that have no entries of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Members {
    /// They stay in the repository, without a name.
    Keep,
    /// They are removed with the index.
    Remove,
}

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

    /// Returns the members of `index` that the store has.
    pub(super) fn present_members(&self, index: &Descriptor) -> Vec<Descriptor> {
        let mut members = self.members(index);
        members.retain(|member| self.has_blob(member).unwrap_or_default());
        members
    }
}

impl Writer {
    /// Moves `tag` to an index that the store already has. Returns false if `tag` no longer points to `old`.
    ///
    /// Unlike a ModelKit that loses its last name, the index `old` is then removed from the repository: it was only a
    /// list. Its members stay.
    pub fn replace_index(&self, old: Option<Digest>, new: &Descriptor, tag: &str) -> Result<bool, Error> {
        let (store, names) = (self.store(), self.names());
        store.change_index(|entries| {
            let is_current = |entry: &&Entry| entry.is_index() && names.call(entry, tag);
            let current = entries.iter().find(is_current).map(|entry| entry.descriptor.digest);
            if current != old {
                return false;
            }
            let before = named_indexes(names, entries);
            enter(entries, names, new, Some(tag));
            remove_replaced(store, names, &before, entries);
            true
        })
    }
}

/// Returns the indexes that have a name in the repository.
pub(super) fn named_indexes(names: &Names, entries: &[Entry]) -> Vec<Digest> {
    let indexes = entries.iter().filter(|entry| entry.is_index() && entry.name().is_some() && names.include(entry));
    indexes.map(|entry| entry.descriptor.digest).collect()
}

/// Removes the indexes among `before` that have lost their last name to another index.
pub(super) fn remove_replaced(store: &Store, names: &Names, before: &[Digest], entries: &mut Vec<Entry>) {
    let is_replaced =
        |entry: &Entry| entry.name().is_none() && before.contains(&entry.descriptor.digest) && names.include(entry);
    let gone: Vec<_> = entries.extract_if(.., |entry| is_replaced(entry)).collect();
    if !gone.is_empty() {
        keep_members(store, &gone, entries);
        drop_orphans(entries, |manifest| store.members(manifest));
    }
}

/// Gives the members of the indexes in `gone` entries without a name, unless they have an entry or are members of
/// another index in the same repository.
pub(super) fn keep_members(store: &Store, gone: &[Entry], entries: &mut Vec<Entry>) {
    for index in gone.iter().filter(|entry| entry.is_index()) {
        let Some(repository) = index.reference() else { continue };
        let names = Names::Of(repository.without_selector());
        let members = store.present_members(&index.descriptor);
        if members.is_empty() {
            continue;
        }
        let others = entries.iter().filter(|entry| entry.is_index() && names.include(entry));
        let held: Vec<_> = others.flat_map(|other| store.members(&other.descriptor)).collect();
        for member in members.iter().filter(|member| held.iter().all(|other| other.digest != member.digest)) {
            enter(entries, &names, member, None);
        }
    }
}
