//! Listing ModelKits and indexes of ModelKits, in the local store and in registries.

use crate::digest::Digest;
use crate::modelkit::{ModelKit, Selection, Variant};
use crate::oci::{Descriptor, Reference, Source};
use crate::ops::artifact::{Artifact, Failures, resolve_tags};
use crate::ops::error::Error;
use crate::ops::read_once::ReadOnce;
use crate::ops::transfer::IMAGE_SUFFIX;
use crate::ops::workers;
use crate::progress::{Event, Progress};
use crate::registry::Repository;
use crate::store::{Entry, FetchedDocuments, Names, Reader, Store};

/// One ModelKit of a repository, or an index of ModelKits, with all its tags in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The repository; for a remote one without its registry. `None` for ModelKits without a name.
    pub repository: Option<String>,
    /// The digest of the manifest.
    pub digest: Digest,
    /// The tags, sorted.
    pub tags: Vec<String>,
    /// The package name; may be empty.
    pub name: String,
    /// The size of all layers in bytes; for an index, the sum of the sizes that it gives for its ModelKits.
    pub size: u64,
    /// The first author; may be empty.
    pub author: String,
    /// The number of ModelKits, if it is an index.
    pub modelkits: Option<usize>,
    /// True if any layer is read from the files that it was packed from, or from clones of them.
    pub is_linked: bool,
}

impl Listed {
    /// Returns the row for the artifact with the manifest `descriptor`, and its layers, if `selection` selects a part
    /// of it. Errors use `name`.
    fn read(
        source: &dyn Source,
        descriptor: Descriptor,
        name: &str,
        selection: &Selection,
    ) -> Result<Option<(Self, Vec<Descriptor>)>, Error> {
        let row = Self {
            repository: None,
            digest: descriptor.digest,
            tags: Vec::new(),
            name: String::new(),
            size: 0,
            author: String::new(),
            modelkits: None,
            is_linked: false,
        };
        let (is_wanted, row, layers) = match Artifact::read(source, descriptor, name)? {
            Artifact::ModelKit(inspected) => {
                let modelkit = inspected.modelkit;
                let is_wanted = selection.takes_any_of(&modelkit.config.kitfile);
                (is_wanted, row.of_modelkit(&modelkit), modelkit.manifest.layers)
            }
            // An index has no parts.
            Artifact::Index(inspected) => {
                (selection.is_everything(), row.of_index(inspected.index.variants()), Vec::new())
            }
        };
        Ok(is_wanted.then_some((row, layers)))
    }

    fn of_modelkit(self, modelkit: &ModelKit) -> Self {
        let package = &modelkit.config.kitfile.package;
        Self {
            name: package.name.clone(),
            size: modelkit.manifest.layers.iter().map(|layer| layer.size).sum(),
            author: package.authors.first().cloned().unwrap_or_default(),
            ..self
        }
    }

    fn of_index(self, variants: &[Variant]) -> Self {
        let sizes = variants.iter().filter_map(Variant::layer_bytes);
        Self { size: sizes.fold(0, u64::saturating_add), modelkits: Some(variants.len()), ..self }
    }
}

/// Lists the ModelKits of the store that have a part in `selection`; all of them, or those that match `wanted`: a
/// repository, or one ModelKit in it.
///
/// They are sorted by repository and digest. Artifacts that are not ModelKits are omitted; a damaged one is a warning.
pub fn list_local(
    store: &Store,
    wanted: Option<&Reference>,
    selection: &Selection,
    progress: &dyn Progress,
) -> Result<Vec<Listed>, Error> {
    let mut rows: Vec<(Reference, Entry)> = Vec::new();
    // Referrers, such as attestations, are not listed.
    for entry in store.entries()?.into_iter().filter(|entry| entry.subject().is_none()) {
        if let Some(reference) = entry.reference().cloned() {
            rows.push((reference, entry));
        }
    }
    rows.retain(|(reference, entry)| wanted.is_none_or(|wanted| is_meant(wanted, reference, entry)));
    rows.sort_by_cached_key(|(reference, entry)| {
        (reference.full_repository(), entry.descriptor.digest, reference.tag.clone())
    });
    let Some((any, _)) = rows.first() else { return Ok(Vec::new()) };
    // Documents are read by digest, so one reader serves all repositories.
    let reader = store.reader(Names::Of(any.clone()))?;
    let groups: Vec<_> = rows
        .chunk_by(|(one, a), (other, b)| {
            one.full_repository() == other.full_repository() && a.descriptor.digest == b.descriptor.digest
        })
        .collect();
    let listed =
        workers::run(workers::jobs(), &groups, |group| Ok::<_, Error>(list_group(store, &reader, group, selection)))?;
    let mut failures = Failures::default();
    let read = listed.into_iter().zip(groups);
    let read = read.filter_map(|(row, group)| failures.take(&group[0].0.to_string(), row)?);
    let rows: Vec<_> = read.collect();
    failures.finish(true, progress)?;
    Ok(rows)
}

fn is_meant(wanted: &Reference, reference: &Reference, entry: &Entry) -> bool {
    wanted.full_repository() == reference.full_repository()
        && match wanted.digest {
            Some(digest) => digest == entry.descriptor.digest,
            None => wanted.tag.is_none() || wanted.tag == reference.tag,
        }
}

/// Lists the ModelKits of an image layout that have a part in `selection`; their names are tags, and `name` is used as
/// the repository. A damaged one is a warning.
pub fn list_layout(
    layout: &Store,
    name: &str,
    selection: &Selection,
    progress: &dyn Progress,
) -> Result<Vec<Listed>, Error> {
    let (mut listed, mut failures) = (Vec::<Listed>::new(), Failures::default());
    let reader = layout.reader(Names::Tags)?;
    for entry in layout.entries()?.into_iter().filter(|entry| entry.companion().is_none()) {
        let tags: Vec<_> = entry.name().map(str::to_owned).into_iter().collect();
        if let Some(row) = listed.iter_mut().find(|row| row.digest == entry.descriptor.digest) {
            row.tags.extend(tags);
            continue;
        }
        let tag = tags.first().map_or_else(|| entry.descriptor.digest.to_string(), String::clone);
        let row = read_if_modelkit(&reader, entry.descriptor.clone(), name, selection);
        if let Some((row, _)) = failures.take(&tag, row).flatten() {
            listed.push(Listed { repository: Some(name.to_owned()), tags, ..row });
        }
    }
    for row in &mut listed {
        row.tags.sort();
    }
    listed.sort_by_key(|row| row.digest);
    failures.finish(true, progress)?;
    Ok(listed)
}

fn list_group(
    store: &Store,
    reader: &Reader,
    group: &[(Reference, Entry)],
    selection: &Selection,
) -> Result<Option<Listed>, Error> {
    let (reference, entry) = &group[0];
    let read = read_if_modelkit(reader, entry.descriptor.clone(), &reference.to_string(), selection)?;
    let Some((row, layers)) = read else { return Ok(None) };
    let tags = group.iter().filter_map(|(reference, _)| reference.tag.as_ref().map(ToString::to_string)).collect();
    let repository = (!reference.is_unnamed()).then(|| reference.without_selector().to_string());
    Ok(Some(Listed { repository, tags, is_linked: is_any_linked(store, &layers)?, ..row }))
}

fn is_any_linked(store: &Store, layers: &[Descriptor]) -> Result<bool, Error> {
    for layer in layers {
        if store.is_link(layer)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lists the ModelKits of a remote repository that have a part in `selection`, or the one that `reference` refers to.
/// Artifacts that are not ModelKits are omitted; images beside ModelKits are reported.
///
/// `jobs` tags are read at once. Configs that are among the `fetched` documents are not read again.
///
/// A tag that cannot be read is a warning, unless none can be read.
pub fn list_remote(
    repository: &Repository,
    reference: &Reference,
    selection: &Selection,
    (jobs, fetched): (usize, FetchedDocuments),
    progress: &dyn Progress,
) -> Result<Vec<Listed>, Error> {
    let path = Some(reference.repository.clone());
    let names = if let Some(name) = reference.selector() {
        vec![name]
    } else {
        let mut tags = repository.tags()?;
        tags.sort();
        tags
    };
    let source = ReadOnce::new(repository.clone()).with(fetched);
    let mut failures = Failures::default();
    let groups = resolve_tags(&source, names, jobs, &mut failures)?;
    let rows = workers::run(jobs, &groups, |(descriptor, tags)| {
        Ok::<_, Error>(read_if_modelkit(&source, descriptor.clone(), &tags[0], selection))
    })?;
    let (mut readable, mut images) = (Vec::new(), Vec::new());
    for ((_, tags), row) in groups.into_iter().zip(rows) {
        if let Some(row) = failures.take(&tags.join(", "), row) {
            if row.is_none() && selection.is_everything() {
                images.extend(tags.iter().filter(|tag| tag.ends_with(IMAGE_SUFFIX)).cloned());
            }
            let tags = if reference.digest.is_some() { Vec::new() } else { tags };
            readable.push(row.map(|(row, _)| Listed { repository: path.clone(), tags, ..row }));
        }
    }
    failures.finish(!readable.is_empty(), progress)?;
    report_images(&images, progress);
    Ok(readable.into_iter().flatten().collect())
}

/// Reports the tags of `images`, which are not listed.
fn report_images(images: &[String], progress: &dyn Progress) {
    const NAMED: usize = 3;
    if !images.is_empty() {
        let tags: Vec<_> = images.iter().take(NAMED).map(String::as_str).collect();
        progress.report(&Event::ImagesNotListed { tags: &tags, more: images.len() - tags.len() });
    }
}

/// Returns the row for an artifact and its layers, or `None` if it is not a ModelKit with a part in `selection`.
fn read_if_modelkit(
    source: &dyn Source,
    descriptor: Descriptor,
    name: &str,
    selection: &Selection,
) -> Result<Option<(Listed, Vec<Descriptor>)>, Error> {
    match Listed::read(source, descriptor, name, selection) {
        Ok(found) => Ok(found),
        Err(Error::NotAModelKit { .. } | Error::NotAManifest(_) | Error::InvalidModelKit(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
