//! Removing tags and ModelKits from a registry, without losing tags that were not named.

use crate::digest::Digest;
use crate::oci::{Descriptor, Reference, Referrer, Source as _, Target as _};
use crate::ops::error::Error;
use crate::ops::tag_state::TagState;
use crate::ops::workers;
use crate::progress::{Progress, Warning};
use crate::registry::{self, Repository};

/// Returns the manifest of a ModelKit in its registry. A tag with a digest must point to that digest.
pub fn find_remote(repository: &Repository, reference: &Reference) -> Result<Descriptor, Error> {
    let name = reference.tag.as_ref().map(ToString::to_string).or_else(|| reference.selector()).unwrap_or_default();
    let manifest =
        repository.resolve_at_registry(&name).map_err(|error| Error::reading("the manifest", error.into()))?;
    if let Some(expected) = reference.digest.filter(|expected| *expected != manifest.digest) {
        let (expected, found) = (TagState::At(expected), TagState::At(manifest.digest));
        return Err(Error::TagMoved { tag: reference.without_digest().to_string(), expected, found });
    }
    Ok(manifest)
}

/// Returns the tags of `repository` that point to `digest`, sorted. Requests every tag, `jobs` at the same time.
pub fn tags_of(repository: &Repository, digest: &Digest, jobs: usize) -> Result<Vec<String>, Error> {
    let mut tags = repository.tags()?;
    tags.sort();
    let points_there = workers::run(jobs, &tags, |tag| match repository.resolve_at_registry(tag) {
        Ok(found) => Ok(found.digest == *digest),
        // Another process removed it.
        Err(registry::Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(Error::from(error)),
    })?;
    Ok(tags.into_iter().zip(points_there).filter(|(_, points)| *points).map(|(tag, _)| tag).collect())
}

/// Removes the ModelKit with this manifest from its registry, with all its tags there.
pub fn remove_remote(repository: &Repository, manifest: &Descriptor, registry: &str) -> Result<(), Error> {
    let bytes = repository.manifest(manifest).map_err(|error| Error::reading("the manifest", error))?;
    repository.delete(&manifest.digest.to_string()).map_err(|error| refused(error, registry))?;
    if let Some(referrer) = Referrer::read(manifest, &bytes) {
        repository.forget_referrer(&referrer.subject, &manifest.digest)?;
    }
    Ok(())
}

/// The result of removing a tag from a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untagged {
    /// The manifest that the tag pointed to.
    pub manifest: Descriptor,
    /// True if the manifest was deleted with its last tag.
    pub is_deleted: bool,
}

/// Removes the tag of `reference` from its registry. The ModelKit keeps its other tags.
///
/// Some registries delete the manifest with all its tags when a tag is deleted. The tags that were not named are
/// restored then, which a warning reports. Registries that delete no tags at all are asked to delete the manifest only
/// if it has no other tag.
pub fn untag_remote(
    repository: &Repository,
    reference: &Reference,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Untagged, Error> {
    let manifest = find_remote(repository, reference)?;
    let tag = reference.selector().unwrap_or_default();
    let mut others = tags_of(repository, &manifest.digest, jobs)?;
    others.retain(|other| *other != tag);
    let bytes = repository.manifest(&manifest).map_err(|error| Error::reading("the manifest", error))?;
    let digest = manifest.digest;
    match repository.delete(&tag) {
        Ok(()) => {
            restore(repository, &manifest, &bytes, &others, progress)?;
            let is_deleted = others.is_empty() && is_gone(repository, &digest)?;
            Ok(Untagged { manifest, is_deleted })
        }
        Err(source) if !keeps_tags(&source) => Err(source.into()),
        Err(_) if others.is_empty() => {
            remove_remote(repository, &manifest, &reference.registry)?;
            Ok(Untagged { manifest, is_deleted: true })
        }
        Err(source) => Err(Error::OnlyWholeRemoval {
            registry: reference.registry.clone(),
            digest,
            tags: others,
            source: Box::new(source),
        }),
    }
}

fn is_gone(repository: &Repository, digest: &Digest) -> Result<bool, Error> {
    match repository.resolve_at_registry(&digest.to_string()) {
        Ok(_) => Ok(false),
        Err(registry::Error::NotFound { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Returns true if a registry that refused to delete a tag deletes no tags at all: 405, or 400 as docker-registry 2.8
/// answers (OCI distribution 1.1, "Deleting Tags").
fn keeps_tags(error: &registry::Error) -> bool {
    matches!(error, registry::Error::Unsupported { .. } | registry::Error::Status { status: 400, .. })
}

/// Publishes the manifest again under the tags that were deleted together with another one.
fn restore(
    repository: &Repository,
    manifest: &Descriptor,
    bytes: &[u8],
    tags: &[String],
    progress: &dyn Progress,
) -> Result<(), Error> {
    for tag in tags {
        match repository.resolve_at_registry(tag) {
            Ok(_) => {}
            Err(registry::Error::NotFound { .. }) => {
                let published = repository.publish(manifest, bytes, Some(tag));
                published.map_err(|error| Error::writing(&format!("the tag `{tag}`"), error))?;
                progress.warn(&Warning::TagRestored { tag });
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn refused(error: registry::Error, registry: &str) -> Error {
    match error {
        registry::Error::Unsupported { .. } => {
            Error::RemovalUnsupported { registry: registry.to_owned(), source: Box::new(error) }
        }
        error => error.into(),
    }
}
