//! Removing ModelKits from the local store.

use crate::digest::Digest;
use crate::oci::{Reference, Referrer, Source as _};
use crate::ops::collect::collect;
use crate::ops::error::Error;
use crate::ops::tag_state::TagState;
use crate::progress::Progress;
use crate::registry::Repository;
use crate::store::{Collected, Entry, Store};

/// The selection of ModelKits to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// A name. The ModelKit is removed when it has no other name in the repository; a digest removes all its names in
    /// the repository.
    Name(Reference),
    /// A ModelKit, with all its names in the repository.
    WithAllNames(Reference),
    /// All ModelKits without a name.
    Unnamed,
    /// Everything.
    Everything,
}

/// A name or a ModelKit that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// A name; the ModelKit has other names in its repository.
    Name(Reference),
    /// A ModelKit, with the last name that it had, if any.
    ModelKit(Reference, Digest),
}

/// Removes the selection, then deletes the content that is no longer referenced.
///
/// If the manifest of another ModelKit cannot be read, the names are removed but no content is deleted, which a warning
/// reports.
pub fn remove(store: &Store, removal: &Removal, progress: &dyn Progress) -> Result<(Vec<Removed>, Collected), Error> {
    let chosen = match removal {
        Removal::Name(reference) if reference.digest.is_none() => Chosen::name(reference),
        Removal::Name(reference) if reference.tag.is_some() => {
            Chosen { digest: digest_of(store, reference)?, ..Chosen::name(&reference.without_digest()) }
        }
        Removal::Name(reference) | Removal::WithAllNames(reference) => {
            let digest = digest_of(store, reference)?;
            Chosen { digest, ..Chosen::name(&reference.without_selector()) }
        }
        Removal::Unnamed => Chosen { only_unnamed: true, ..Chosen::default() },
        Removal::Everything => Chosen::default(),
    };
    let gone = store.remove_entries(|entry| chosen.includes(entry))?;
    if let (true, Removal::Name(reference) | Removal::WithAllNames(reference)) = (gone.is_empty(), removal) {
        return Err(Error::NotHere(reference.clone()));
    }
    let left = store.entries()?;
    let removed = gone.iter().map(|entry| describe(entry, &left)).collect();
    Ok((removed, collect(store, progress)?))
}

/// Removes a ModelKit from its registry, with all its tags there, and returns its digest. A tag with a digest must
/// point to that digest.
pub fn remove_remote(repository: &Repository, reference: &Reference) -> Result<Digest, Error> {
    let name = reference.tag.as_ref().map(ToString::to_string).or_else(|| reference.selector()).unwrap_or_default();
    let manifest =
        repository.resolve_at_registry(&name).map_err(|error| Error::reading("the manifest", error.into()))?;
    if let Some(expected) = reference.digest.filter(|expected| *expected != manifest.digest) {
        let (expected, found) = (TagState::At(expected), TagState::At(manifest.digest));
        return Err(Error::TagMoved { tag: reference.without_digest().to_string(), expected, found });
    }
    let bytes = repository.manifest(&manifest).map_err(|error| Error::reading("the manifest", error))?;
    repository.delete(&manifest.digest.to_string())?;
    if let Some(referrer) = Referrer::read(&manifest, &bytes) {
        repository.forget_referrer(&referrer.subject, &manifest.digest)?;
    }
    Ok(manifest.digest)
}

/// A selection of entries: those that match every field that is set.
#[derive(Default)]
struct Chosen {
    reference: Option<Reference>,
    digest: Option<Digest>,
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
            && !(self.only_unnamed && entry.name().is_some())
    }
}

/// Returns the digest that `reference` has in the store. A tag with a digest must point to that digest.
fn digest_of(store: &Store, reference: &Reference) -> Result<Option<Digest>, Error> {
    let Some(tag) = &reference.tag else { return Ok(reference.digest) };
    let entry = store.find(&crate::store::Names::Of(reference.clone()), tag.as_str())?;
    let found = entry.map(|entry| entry.descriptor.digest);
    let found = found.filter(|found| reference.digest.is_none_or(|expected| expected == *found));
    Ok(Some(found.ok_or_else(|| Error::NotHere(reference.clone()))?))
}

fn describe(gone: &Entry, left: &[Entry]) -> Removed {
    let reference = gone.reference().unwrap_or_else(|| Reference {
        registry: Reference::LOCAL.to_owned(),
        repository: gone.name().unwrap_or(Reference::UNNAMED).to_owned(),
        tag: None,
        digest: None,
    });
    let repository = Some(reference.full_repository());
    let is_left = left.iter().any(|entry| {
        entry.descriptor.digest == gone.descriptor.digest
            && entry.reference().map(|reference| reference.full_repository()) == repository
    });
    if is_left { Removed::Name(reference) } else { Removed::ModelKit(reference, gone.descriptor.digest) }
}
