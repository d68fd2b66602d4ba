//! Listing ModelKits, here and in registries.

use super::inspect::read;
use super::{Error, Inspected, workers};
use crate::digest::Digest;
use crate::oci::{Reference, Source};
use crate::registry::Repository;
use crate::store::{Entry, Names, Reader, Store};

/// One ModelKit of a repository, with all its tags there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The repository; for a remote one without its registry. None for ModelKits without a name.
    pub repository: Option<String>,
    /// The name of the manifest.
    pub digest: Digest,
    /// The tags, sorted.
    pub tags: Vec<String>,
    /// The package name, perhaps empty.
    pub name: String,
    /// Bytes of all layers.
    pub size: u64,
    /// The first author, perhaps empty.
    pub author: String,
    /// Whether layers of it are read from the files that they were packed from, or from clones of them.
    pub is_linked: bool,
}

impl Listed {
    fn new(repository: Option<String>, tags: Vec<String>, inspected: &Inspected) -> Self {
        let package = &inspected.modelkit.config.kitfile.package;
        Self {
            repository,
            digest: inspected.descriptor.digest,
            tags,
            name: package.name.clone(),
            size: inspected.modelkit.manifest.layers.iter().map(|layer| layer.size).sum(),
            author: package.authors.first().cloned().unwrap_or_default(),
            is_linked: false,
        }
    }
}

/// The ModelKits of the store, or those that `wanted` means: a repository, or one ModelKit in it. They come by repository
/// and digest. What is not a ModelKit or is damaged is left out.
pub fn list_local(store: &Store, wanted: Option<&Reference>) -> Result<Vec<Listed>, Error> {
    let mut rows: Vec<(Reference, Entry)> = Vec::new();
    for entry in store.entries()? {
        if let Some(reference) = entry.reference() {
            rows.push((reference, entry));
        }
    }
    rows.retain(|(reference, entry)| wanted.is_none_or(|wanted| is_meant(wanted, reference, entry)));
    rows.sort_by_cached_key(|(reference, entry)| {
        (reference.full_repository(), entry.descriptor.digest, reference.tag.clone())
    });
    let Some((any, _)) = rows.first() else { return Ok(Vec::new()) };
    // Documents are read by their digests, so that one reader does for all repositories.
    let reader = store.reader(Names::Of(any.clone()))?;
    let groups: Vec<_> = rows
        .chunk_by(|(one, a), (other, b)| {
            one.full_repository() == other.full_repository() && a.descriptor.digest == b.descriptor.digest
        })
        .collect();
    let listed = workers::run(workers::jobs(), &groups, |group| list_group(store, &reader, group))?;
    Ok(listed.into_iter().flatten().collect())
}

fn is_meant(wanted: &Reference, reference: &Reference, entry: &Entry) -> bool {
    wanted.full_repository() == reference.full_repository()
        && match wanted.digest {
            Some(digest) => digest == entry.descriptor.digest,
            None => wanted.tag.is_none() || wanted.tag == reference.tag,
        }
}

/// The ModelKits of an image layout whose names are tags; `name` stands for its repository.
pub fn list_layout(layout: &Store, name: &str) -> Result<Vec<Listed>, Error> {
    let mut listed: Vec<Listed> = Vec::new();
    let reader = layout.reader(Names::Tags)?;
    for entry in layout.entries()? {
        let tags: Vec<_> = entry.name().map(str::to_owned).into_iter().collect();
        match listed.iter_mut().find(|row| row.digest == entry.descriptor.digest) {
            Some(row) => row.tags.extend(tags),
            None => {
                if let Ok(inspected) = read(&reader, entry.descriptor.clone(), name) {
                    listed.push(Listed::new(Some(name.to_owned()), tags, &inspected));
                }
            }
        }
    }
    for row in &mut listed {
        row.tags.sort();
    }
    listed.sort_by_key(|row| row.digest);
    Ok(listed)
}

fn list_group(store: &Store, reader: &Reader, group: &[(Reference, Entry)]) -> Result<Option<Listed>, Error> {
    let (reference, entry) = &group[0];
    let Ok(inspected) = read(reader, entry.descriptor.clone(), &reference.to_string()) else { return Ok(None) };
    let tags = group.iter().filter_map(|(reference, _)| reference.tag.as_ref().map(ToString::to_string)).collect();
    let name = (!reference.is_unnamed()).then(|| reference.without_selector().to_string());
    let is_linked = is_linked(store, &inspected)?;
    Ok(Some(Listed { is_linked, ..Listed::new(name, tags, &inspected) }))
}

fn is_linked(store: &Store, inspected: &Inspected) -> Result<bool, Error> {
    for layer in &inspected.modelkit.manifest.layers {
        if store.is_link(layer)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The ModelKits of a remote repository, or the one that `reference` names there. What is not a ModelKit is left out.
pub fn list_remote(repository: &Repository, reference: &Reference, jobs: usize) -> Result<Vec<Listed>, Error> {
    let path = Some(reference.repository.clone());
    let names = if let Some(name) = reference.selector() {
        vec![name]
    } else {
        let mut tags = repository.tags()?;
        tags.sort();
        tags
    };
    let rows = workers::run(jobs, &names, |name| {
        let descriptor =
            repository.resolve(name).map_err(|error| Error::reading(&format!("the tag `{name}`"), error))?;
        match read(repository, descriptor, name) {
            Ok(inspected) => Ok(Some((name.clone(), inspected))),
            Err(Error::NotAModelKit(_) | Error::NotAManifest(_) | Error::InvalidModelKit(_)) => Ok(None),
            Err(error) => Err(error),
        }
    })?;
    let mut listed: Vec<Listed> = Vec::new();
    for (tag, inspected) in rows.into_iter().flatten() {
        let tags = if reference.digest.is_some() { Vec::new() } else { vec![tag] };
        match listed.iter_mut().find(|row| row.digest == inspected.descriptor.digest) {
            Some(row) => row.tags.extend(tags),
            None => listed.push(Listed::new(path.clone(), tags, &inspected)),
        }
    }
    Ok(listed)
}
