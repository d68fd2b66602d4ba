//! Removing ModelKits and indexes from the local store.

use crate::digest::Digest;
use crate::oci::{MediaType, Reference};
use crate::ops::collect::collect;
use crate::ops::error::Error;
use crate::ops::session::not_here;
use crate::progress::Progress;
use crate::store::{Collected, Entry, Members, Names, Store};

/// The selection of ModelKits, or of indexes, to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// A name. The ModelKit is removed when it has no other name in the repository; a digest removes all its names in
    /// the repository.
    Name(Reference),
    /// A ModelKit, with all its names in the repository.
    WithAllNames(Reference),
    /// A ModelKit, with all its names in all repositories.
    Digest(Digest),
    /// All of them without a name.
    Unnamed,
    /// Everything.
    Everything,
}

/// The kind of artifact that a removal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removable {
    /// ModelKits. A name that only an index has removes the index, and [`Removal::Everything`] removes all indexes.
    ModelKits,
    /// Indexes of ModelKits, and the decision about ModelKits that only they hold.
    Indexes(Members),
}

/// A name or a ModelKit that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// A name; the ModelKit has other names in its repository.
    Name(Reference, Digest),
    /// A ModelKit, with the last name that it had, if any.
    ModelKit(Reference, Digest),
}

impl Removed {
    /// The name that was removed; without a tag if there was none.
    pub fn reference(&self) -> &Reference {
        let (Self::Name(reference, _) | Self::ModelKit(reference, _)) = self;
        reference
    }

    /// The digest of the ModelKit or the index.
    pub fn digest(&self) -> &Digest {
        let (Self::Name(_, digest) | Self::ModelKit(_, digest)) = self;
        digest
    }
}

/// Removes the selection, then deletes the content that is no longer referenced.
///
/// If the manifest of another ModelKit cannot be read, the names are removed but no content is deleted, which a warning
/// reports.
pub fn remove(
    store: &Store,
    kind: Removable,
    removal: &Removal,
    progress: &dyn Progress,
) -> Result<(Vec<Removed>, Collected), Error> {
    let (chosen, members) = choose(store, kind, removal)?;
    let gone = store.remove_entries(members, |entry| chosen.includes(entry))?;
    if let (true, Removal::Name(reference) | Removal::WithAllNames(reference)) = (gone.is_empty(), removal) {
        return Err(not_here(store, reference));
    }
    let left = store.index()?;
    let removed = gone.iter().map(|entry| describe(entry, left.entries())).collect();
    drop(left);
    Ok((removed, collect(store, progress)?))
}

/// Returns what [`remove`] would remove for these selections, one after the other, without changing anything.
pub fn removable(store: &Store, kind: Removable, removals: &[Removal]) -> Result<Vec<Removed>, Error> {
    let (mut entries, mut removed) = (store.entries()?, Vec::new());
    for removal in removals {
        let (chosen, members) = choose(store, kind, removal)?;
        let gone = store.take_entries(&mut entries, members, &|entry| chosen.includes(entry));
        if let (true, Removal::Name(reference) | Removal::WithAllNames(reference)) = (gone.is_empty(), removal) {
            return Err(not_here(store, reference));
        }
        removed.extend(gone.iter().map(|entry| describe(entry, &entries)));
    }
    Ok(removed)
}

/// Returns the entries to remove, and the treatment of the members of indexes among them.
fn choose(store: &Store, kind: Removable, removal: &Removal) -> Result<(Chosen, Members), Error> {
    let indexes = (kind != Removable::ModelKits).then_some(true);
    let chosen = match removal {
        Removal::Name(reference) | Removal::WithAllNames(reference) => {
            let descriptor = find(store, kind, reference)?.descriptor;
            let indexes = Some(descriptor.media_type == MediaType::IMAGE_INDEX);
            if matches!(removal, Removal::Name(_)) && reference.tag.is_some() {
                Chosen { indexes, ..Chosen::name(&reference.without_digest()) }
            } else {
                let digest = Some(descriptor.digest);
                Chosen { digest, indexes, ..Chosen::name(&reference.without_selector()) }
            }
        }
        Removal::Digest(digest) => Chosen { digest: Some(*digest), ..Chosen::default() },
        Removal::Unnamed => Chosen { only_unnamed: true, indexes: indexes.or(Some(false)), ..Chosen::default() },
        Removal::Everything => Chosen { indexes, ..Chosen::default() },
    };
    let members = match (kind, removal) {
        (Removable::Indexes(members), _) => members,
        (Removable::ModelKits, Removal::Everything) => Members::Remove,
        (Removable::ModelKits, _) => Members::Keep,
    };
    Ok((chosen, members))
}

/// A selection of entries: those that match every field that is set.
#[derive(Default)]
struct Chosen {
    reference: Option<Reference>,
    digest: Option<Digest>,
    /// True for indexes only, false for other artifacts only.
    indexes: Option<bool>,
    only_unnamed: bool,
}

impl Chosen {
    fn name(reference: &Reference) -> Self {
        Self { reference: Some(reference.clone()), ..Self::default() }
    }

    fn includes(&self, entry: &Entry) -> bool {
        let fits = |wanted: &Reference| {
            entry.reference().is_some_and(|found| {
                found.registry == wanted.registry
                    && found.repository == wanted.repository
                    && (wanted.tag.is_none() || found.tag == wanted.tag)
            })
        };
        // A referrer is removed with its ModelKit, or by its own digest.
        (entry.subject().is_none() || self.digest.is_some())
            && self.reference.as_ref().is_none_or(fits)
            && self.digest.is_none_or(|digest| digest == entry.descriptor.digest)
            && self.indexes.is_none_or(|indexes| indexes == entry.is_index())
            && !(self.only_unnamed && entry.name().is_some())
    }
}

/// Returns the ModelKits and indexes in the store whose digest begins with the hexadecimal digits `prefix`, with the
/// names of each.
pub fn find_by_prefix(store: &Store, prefix: &str) -> Result<Vec<(Digest, Vec<Reference>)>, Error> {
    let mut found: Vec<(Digest, Vec<Reference>)> = Vec::new();
    for entry in store.index()?.entries().iter().filter(|entry| entry.descriptor.digest.hex().starts_with(prefix)) {
        let digest = entry.descriptor.digest;
        let names = entry.reference().cloned().into_iter().filter(|_| entry.name().is_some());
        match found.iter_mut().find(|(known, _)| *known == digest) {
            Some((_, known)) => known.extend(names),
            None => found.push((digest, names.collect())),
        }
    }
    Ok(found)
}

/// Finds what `reference` names in the store. A tag with a digest must point to that digest.
fn find(store: &Store, kind: Removable, reference: &Reference) -> Result<Entry, Error> {
    let names = Names::Of(reference.clone());
    let tag = reference.tag.as_ref().map(ToString::to_string);
    let name = tag.or_else(|| reference.selector()).unwrap_or_default();
    let entry = match kind {
        Removable::ModelKits => store.find(&names, &name)?,
        Removable::Indexes(_) => store.find_index(&names, &name)?,
    };
    let is_meant = |entry: &Entry| reference.digest.is_none_or(|expected| expected == entry.descriptor.digest);
    entry.filter(is_meant).ok_or_else(|| not_here(store, reference))
}

pub(super) fn describe(gone: &Entry, left: &[Entry]) -> Removed {
    let reference = gone.reference().cloned().unwrap_or_else(|| Reference {
        registry: Reference::LOCAL.to_owned(),
        repository: gone.name().unwrap_or(Reference::UNNAMED).to_owned(),
        tag: None,
        digest: None,
    });
    let is_left = left.iter().any(|entry| {
        let is_beside = |it: &Reference| it.registry == reference.registry && it.repository == reference.repository;
        entry.descriptor.digest == gone.descriptor.digest && entry.reference().is_some_and(is_beside)
    });
    let digest = gone.descriptor.digest;
    if is_left { Removed::Name(reference, digest) } else { Removed::ModelKit(reference, digest) }
}
