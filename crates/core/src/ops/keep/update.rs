//! Looking up the current digests of the tags in a Kitfile that refer to other ModelKits.

use std::path::PathBuf;

use fs_err as fs;

use crate::digest::Digest;
use crate::kitfile::{Kitfile, NamedReference, ReferenceField};
use crate::oci::{Reference, Tag};
use crate::ops::artifact::inspect;
use crate::ops::error::Error;
use crate::ops::session::{Located, Lookup, Session};
use crate::ops::trust::{admit_recalls, warn_of_recalls};
use crate::ops::workers;

/// The references to look up, and the place in which to look.
#[derive(Debug, Clone)]
pub struct UpdateOptions {
    /// The directory of the Kitfile. A model path that exists in it is a file, not a reference.
    pub context: PathBuf,
    /// The fields, names, or repositories with or without a tag that are selected; empty selects all.
    pub names: Vec<String>,
    /// The place in which to look: the registry or the local store.
    pub place: Lookup,
    /// The treatment of references without a digest.
    pub unpinned: Unpinned,
    /// The number of references that are looked up at the same time.
    pub jobs: usize,
}

/// The treatment of references without a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpinned {
    /// They are not changed.
    Left,
    /// A digest is added.
    Pinned,
}

/// A reference and the digest that its tag points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The field of the Kitfile.
    pub field: ReferenceField,
    /// The reference without its digest.
    pub reference: Reference,
    /// The digest in the Kitfile.
    pub before: Option<Digest>,
    /// The digest that the tag points to now. `None` if it was not looked up, because the reference has no tag, or has
    /// no digest and should not get one.
    pub now: Option<Digest>,
}

impl Pin {
    /// The new digest for the Kitfile, if it changes.
    pub fn moved_to(&self) -> Option<Digest> {
        self.now.filter(|now| Some(*now) != self.before)
    }
}

/// Looks up the digests of the references in `kitfile`. Each must refer to a ModelKit; its layers are not read.
pub fn pins(session: &Session<'_>, kitfile: &Kitfile, options: &UpdateOptions) -> Result<Vec<Pin>, Error> {
    let references = wanted(kitfile, options)?;
    workers::run(options.jobs, &references, |named| {
        let (before, reference) = (named.reference.digest, named.reference.without_digest());
        let is_asked = reference.tag.is_some() && (before.is_some() || options.unpinned == Unpinned::Pinned);
        let failed = |source| Error::Parent { reference: reference.to_string(), source: Box::new(source) };
        let now = if is_asked { Some(look_up(session, &reference, options.place).map_err(failed)?) } else { None };
        Ok(Pin { field: named.field, reference, before, now })
    })
}

fn wanted<'k>(kitfile: &'k Kitfile, options: &UpdateOptions) -> Result<Vec<NamedReference<'k>>, Error> {
    let is_file = |path: &str| fs::symlink_metadata(options.context.join(path)).is_ok();
    let has_model_file = kitfile.model.as_ref().is_some_and(|model| is_file(&model.path));
    let mut references = kitfile.references();
    references.retain(|named| named.field != ReferenceField::Model || !has_model_file);
    if let Some(unknown) = options.names.iter().find(|name| !references.iter().any(|named| is_meant(name, named))) {
        return Err(Error::NoSuchReference(unknown.clone()));
    }
    references.retain(|named| options.names.is_empty() || options.names.iter().any(|name| is_meant(name, named)));
    Ok(references)
}

fn is_meant(name: &str, named: &NamedReference<'_>) -> bool {
    let NamedReference { field, name: own, reference } = named;
    let tagged = reference.without_digest();
    name == *own
        || [field.to_string(), tagged.to_string(), tagged.without_selector().to_string()].iter().any(|it| it == name)
}

/// Asks the registry itself rather than its mirrors, which may be out of date. A name without a registry is in the
/// local store.
fn look_up(session: &Session<'_>, reference: &Reference, place: Lookup) -> Result<Digest, Error> {
    if place == Lookup::Local || reference.is_local() {
        return usable(session, &session.find_reference(reference, Lookup::Local)?);
    }
    let tag = reference.tag.clone().unwrap_or_else(Tag::latest);
    let digest = session.client.repository(reference).resolve_at_registry(tag.as_str())?.digest;
    let found = session.find_reference(&reference.with_digest(digest), Lookup::Anywhere)?;
    usable(session, &found)
}

/// The digest of the ModelKit that was found. Fails if a policy does not allow it because it was recalled.
fn usable(session: &Session<'_>, found: &Located) -> Result<Digest, Error> {
    let digest = inspect(found)?.descriptor.digest;
    admit_recalls(session, found)?;
    warn_of_recalls(session, found)?;
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_selected_by_its_field_its_name_or_its_repository() {
        let named = |name, reference: &str| NamedReference {
            field: ReferenceField::Dataset(1),
            name,
            reference: reference.parse().unwrap(),
        };
        let pinned = format!("r.io/team/data:v1@{}", Digest::of(b""));
        for name in ["datasets[1].remotePath", "train", "r.io/team/data", "r.io/team/data:v1"] {
            assert!(is_meant(name, &named("train", &pinned)), "{name}");
        }
        for name in ["", "data", "r.io/team/data:v2", "model.path", &pinned] {
            assert!(!is_meant(name, &named("train", &pinned)), "{name}");
        }
    }
}
