//! Removing from a registry what is attached to a ModelKit that is removed: its referrers, theirs, and its companions.

use std::collections::HashSet;

use crate::digest::Digest;
use crate::limits;
use crate::oci::{Companion, Descriptor, Referrer, Target as _};
use crate::ops::error::Error;
use crate::registry::{self, Repository};

/// A manifest in a registry that is attached to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedManifest {
    /// Its digest.
    pub digest: Digest,
    /// The tag of a companion.
    pub tag: Option<String>,
    /// The manifest that it is attached to.
    pub subject: Digest,
}

/// Returns what is attached to the manifest `root` in its registry: referrers before those that are attached to them,
/// and then the companions of all of them.
pub fn attached_remote(repository: &Repository, root: &Descriptor) -> Result<Vec<AttachedManifest>, Error> {
    let failed = |error| Error::reading("what is attached to it", error);
    let (mut found, mut subjects, mut seen) = (Vec::new(), vec![root.clone()], HashSet::from([root.digest]));
    let mut next = 0;
    while let Some(subject) = subjects.get(next).cloned() {
        next += 1;
        for referrer in repository.attached(&subject).map_err(failed)? {
            if subjects.len() <= limits::REFERRERS && seen.insert(referrer.digest) {
                found.push(AttachedManifest { digest: referrer.digest, tag: None, subject: subject.digest });
                subjects.push(referrer);
            }
        }
    }
    for subject in &subjects {
        for kind in Companion::ALL {
            if let Some((companion, _)) = repository.companion(&subject.digest, kind).map_err(failed)? {
                let tag = Some(kind.tag(&subject.digest));
                found.push(AttachedManifest { digest: companion.digest, tag, subject: subject.digest });
            }
        }
    }
    Ok(found)
}

/// Removes the manifests that were attached to another one, the last ones first, so that a failure leaves nothing that
/// cannot be found. One that the registry has removed itself is not an error.
pub fn remove_attached(repository: &Repository, attached: &[AttachedManifest]) -> Result<(), Error> {
    for AttachedManifest { digest, .. } in attached.iter().rev() {
        delete_if_there(repository, &digest.to_string())?;
    }
    // The lists of a registry that does not make them itself.
    let subjects: HashSet<_> = attached.iter().filter(|it| it.tag.is_none()).map(|it| it.subject).collect();
    for subject in subjects {
        match repository.resolve_at_registry(&Referrer::tag(&subject)) {
            Ok(list) => delete_if_there(repository, &list.digest.to_string())?,
            Err(registry::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn delete_if_there(repository: &Repository, selector: &str) -> Result<(), Error> {
    match repository.delete(selector) {
        Ok(()) | Err(registry::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
