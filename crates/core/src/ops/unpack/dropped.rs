//! Files that an earlier version of a ModelKit left in the folder and that the unpacked one does not contain.
//!
//! Earlier versions are those of the same repository in the local store. A file counts only if its path and its content
//! are those of such a version, so that the files of the user are never reported or deleted.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::path::Path;

use tracing::debug;

use crate::compression::Compression;
use crate::digest::Digest;
use crate::limits;
use crate::modelkit::{ContentsTable, Layer, ModelKit};
use crate::oci::{Reference, Source};
use crate::ops::artifact::{Artifact, Inspected};
use crate::ops::error::Error;
use crate::ops::files::{Headers, Held, buffer, digest, digest_file, skim};
use crate::ops::session::{Location, Session};
use crate::progress::Silent;
use crate::relative_path::RelativePath;
use crate::store::Names;

use super::into_folder::UnpackOptions;

/// The digests that a file has in earlier versions, by path.
type Candidates = BTreeMap<RelativePath, Vec<Digest>>;

/// Returns the files in the folder that an earlier version contains and `child`, which is read from `source`, does not.
/// Only listings are read of layers: a compressed layer without a table of contents is skipped.
pub(super) fn dropped_files(
    session: &Session<'_>,
    (source, child): (&dyn Source, &Inspected),
    name: &str,
    options: &UnpackOptions,
) -> Result<Vec<RelativePath>, Error> {
    let Ok(Location::Artifact(reference)) = name.parse() else { return Ok(Vec::new()) };
    let names = Names::Of(reference.clone());
    let earlier = earlier_versions(session, &reference, &names, child)?;
    let store = session.store.reader(names)?;
    let mut seen: HashSet<_> = child.modelkit.layers.iter().map(key).collect();
    let layers: Vec<_> = earlier
        .iter()
        .flat_map(|modelkit| &modelkit.layers)
        .filter(|layer| options.selection.takes(layer) && is_listable(layer) && seen.insert(key(layer)))
        .collect();
    let held = Held::new(limits::LISTED_FILES);
    let mut candidates = Candidates::new();
    for layer in &layers {
        add_candidates(&store, layer, options, &held, &mut candidates)?;
    }
    for layer in &child.modelkit.layers {
        remove_contained(source, layer, &mut candidates)?;
    }
    let mut dropped = Vec::new();
    for (path, digests) in candidates {
        if digests.contains(&digest_file(&path.join_to(&options.folder), &Silent)?) {
            dropped.push(path);
        }
    }
    Ok(dropped)
}

/// Returns the ModelKits in the repository of `reference` in the local store, except for `child`.
fn earlier_versions(
    session: &Session<'_>,
    reference: &Reference,
    names: &Names,
    child: &Inspected,
) -> Result<Vec<ModelKit>, Error> {
    let repository = reference.full_repository();
    let store = session.store.reader(names.clone())?;
    let mut seen = HashSet::from([child.descriptor.digest]);
    let mut versions = Vec::new();
    for entry in session.store.entries()? {
        let is_of_repository = entry.reference().is_some_and(|it| it.full_repository() == repository);
        let is_version = is_of_repository && entry.subject().is_none() && !entry.is_index();
        if !is_version || !seen.insert(entry.descriptor.digest) {
            continue;
        }
        match Artifact::read(&store, entry.descriptor, &repository) {
            Ok(Artifact::ModelKit(inspected)) => versions.push(inspected.modelkit),
            Ok(Artifact::Index(_)) => {}
            // An artifact of another program, or a damaged one, was not unpacked.
            Err(error) => debug!(%error, "not an earlier version"),
        }
    }
    Ok(versions)
}

fn key(layer: &Layer) -> (Digest, RelativePath) {
    (layer.descriptor.digest, layer.path.clone())
}

/// Returns true if the files of the layer can be listed without reading all of it.
fn is_listable(layer: &Layer) -> bool {
    layer.compression == Compression::None || ContentsTable::of(&layer.descriptor).is_some()
}

/// Adds the files of `layer` that exist in the folder with the same size.
fn add_candidates(
    store: &dyn Source,
    layer: &Layer,
    options: &UnpackOptions,
    held: &Held,
    candidates: &mut Candidates,
) -> Result<(), Error> {
    let listed = skim(store, layer, Headers::Compare, &mut |member, content| {
        let is_there = |size| is_file_of_size(&options.folder, &member.path, size);
        if member.is_directory || !options.paths.take(&member.path) || !member.size.is_some_and(is_there) {
            return Ok(ControlFlow::Continue(()));
        }
        let digest = match member.digest {
            Some(digest) => digest,
            None => digest(content, &mut buffer(member.size), &Silent).map_err(|error| member.failed(error))?.0,
        };
        held.add(&member.path)?;
        candidates.entry(member.path.clone()).or_default().push(digest);
        Ok(ControlFlow::Continue(()))
    });
    listed.map(drop)
}

/// Removes the files that `layer` contains from `candidates`; all files below its path if it cannot be listed.
fn remove_contained(source: &dyn Source, layer: &Layer, candidates: &mut Candidates) -> Result<(), Error> {
    if !candidates.keys().any(|path| path.starts_with(&layer.path)) {
        return Ok(());
    }
    if !is_listable(layer) {
        candidates.retain(|path, _| !path.starts_with(&layer.path));
        return Ok(());
    }
    let listed = skim(source, layer, Headers::Compare, &mut |member, _| {
        candidates.remove(&member.path);
        Ok(ControlFlow::Continue(()))
    });
    listed.map(drop)
}

/// Returns true if the folder contains a file of this size at `path`, not through a symbolic link.
fn is_file_of_size(folder: &Path, path: &RelativePath, size: u64) -> bool {
    let is_folder = |path: RelativePath| path.join_to(folder).symlink_metadata().is_ok_and(|it| it.is_dir());
    let above = std::iter::successors(path.parent(), RelativePath::parent).filter(|path| !path.is_root());
    let is_file = |metadata: std::fs::Metadata| metadata.is_file() && metadata.len() == size;
    path.join_to(folder).symlink_metadata().is_ok_and(is_file) && above.into_iter().all(is_folder)
}
