//! The checks of files in a folder that is about to be packed.

use std::collections::HashSet;
use std::io::{self, Cursor};

use super::allowed::Allowed;
use super::damage::lack_in;
use super::pickles::warn_of_pickles;
use super::pointer::{is_pointer, pointers};
use super::report::{refuse_empty, settle};
use super::secrets::{DataTexts, Found};
use super::shards;
use super::suspects::Suspects;
use crate::archive::{LayerSource, Measured};
use crate::file_kind::is_model_file;
use crate::kitfile::Section;
use crate::ops::error::Error;
use crate::ops::refused::{Empty, Lack};
use crate::ops::workers;
use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;
use crate::sys;

/// A layer that is about to be packed.
pub(crate) struct CheckedLayer<'a> {
    pub(crate) section: Section,
    pub(crate) source: &'a LayerSource<'a>,
    pub(crate) measured: &'a Measured,
    pub(crate) suspects: &'a Suspects,
    /// True if an earlier run has checked the same files for secrets.
    pub(crate) is_free_of_secrets: bool,
}

/// Fails if files contain secrets, or if weights or data have no content, unless that is allowed. Warns of other
/// problems of them. Reads texts and the headers of weights; the content of other files does not matter. Returns for
/// each layer whether there was a warning about secrets or pickles.
pub(crate) fn check_folder(
    layers: &[CheckedLayer<'_>],
    allowed: Allowed,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Vec<bool>, Error> {
    if !allowed.empty {
        let empty = workers::run(jobs, layers, |layer| {
            let whole = empty_layer(layer.section, layer.source, layer.measured);
            Ok::<_, Error>(
                whole.into_iter().chain(empty_files(layer.section, layer.source, layer.suspects)).collect::<Vec<_>>(),
            )
        })?;
        let (refused, reported): (Vec<_>, _) = empty.into_iter().flatten().partition(|empty| empty.lack.is_refused());
        refuse_empty(refused)?;
        // Packing reports a layer without files itself.
        for empty in reported.iter().filter(|empty| !matches!(empty.lack, Lack::Files)) {
            progress.warn(&Warning::NothingToUse { problem: empty.to_string() });
        }
    }
    let has_pickles =
        if allowed.pickles { vec![false; layers.len()] } else { warn_of_pickles(layers, jobs, progress)? };
    if allowed.secrets {
        return Ok(has_pickles);
    }
    let found = workers::run(jobs, layers, secrets_of)?;
    let has_doubts =
        found.iter().zip(has_pickles).map(|(found, has_pickles)| has_pickles || !found.is_empty()).collect();
    settle(found.into_iter().flatten().collect(), progress)?;
    Ok(has_doubts)
}

/// Returns the secrets in the files of a layer. Of data, only those with names of secrets and small texts are read.
fn secrets_of(layer: &CheckedLayer<'_>) -> Result<Vec<Found>, Error> {
    let CheckedLayer { section, source, suspects, is_free_of_secrets, .. } = layer;
    if *is_free_of_secrets {
        return Ok(Vec::new());
    }
    if *section != Section::Dataset {
        return secrets_in(*section, DataTexts::Small, source);
    }
    let searched = suspects.secrets.iter().chain(&suspects.texts);
    Ok(searched.flat_map(|(path, size)| secrets_of_file(*section, DataTexts::Small, source, path, *size)).collect())
}

/// Returns the secrets, and what may be one, in the files of a layer.
pub(crate) fn secrets_in(section: Section, data: DataTexts, source: &LayerSource<'_>) -> Result<Vec<Found>, Error> {
    let mut secrets = Vec::new();
    source.visit_files(&mut |path, size| {
        secrets.extend(secrets_of_file(section, data, source, path, size));
    })?;
    Ok(secrets)
}

/// Returns the secrets in one file. An unreadable file is not a finding; packing it reports the error.
fn secrets_of_file(
    section: Section,
    data: DataTexts,
    source: &LayerSource<'_>,
    path: &RelativePath,
    size: u64,
) -> Vec<Found> {
    let open = || sys::open_regular(&path.join_to(source.root));
    let found = match stripped(source, path, open) {
        Some(bytes) => Found::find(section, data, path, Some(bytes.len() as u64), || Ok(Cursor::new(bytes))),
        None => Found::find(section, data, path, Some(size), open),
    };
    found.unwrap_or_default()
}

/// Returns the bytes that are packed instead of those of the file at `path`, if it is a notebook to be stripped.
fn stripped(
    source: &LayerSource<'_>,
    path: &RelativePath,
    open: impl FnOnce() -> io::Result<fs_err::File>,
) -> Option<Vec<u8>> {
    let name = path.file_name().filter(|name| source.notebooks.changes(name))?;
    let mut file = open().ok()?;
    let size = file.metadata().ok()?.len();
    source.notebooks.read_stripped(name, &mut file, size).ok()?
}

/// Returns the problem of a layer of a model that would have no files, or of a dataset that would have no bytes.
pub(crate) fn empty_layer(section: Section, source: &LayerSource<'_>, measured: &Measured) -> Option<Empty> {
    if section == Section::Dataset && measured.files > 0 && measured.bytes == 0 {
        return Some(Empty { path: source.path.clone(), lack: Lack::Data });
    }
    let lack = match measured {
        Measured { path_is_ignored: true, .. } => Lack::Ignored,
        Measured { files: 0, .. } => Lack::Files,
        _ => return None,
    };
    is_of_model(section).then(|| Empty { path: source.path.clone(), lack })
}

/// Returns the files in a layer that have no usable content: weights, data that are cut off, models without some of
/// their shards, and pointers in place of the files of models and datasets.
pub(crate) fn empty_files(section: Section, source: &LayerSource<'_>, suspects: &Suspects) -> Vec<Empty> {
    let lack = |(path, size): &(RelativePath, u64)| {
        lack_of(source, path, *size).map(|lack| Empty { path: path.clone(), lack })
    };
    let damage = |(path, size): &(RelativePath, u64)| {
        damage_of(source, path, *size).map(|lack| Empty { path: path.clone(), lack })
    };
    let mut empty: Vec<_> = suspects.weights.iter().filter_map(lack).collect();
    empty.extend(suspects.data.iter().filter_map(damage));
    empty.extend(shards::incomplete(source, suspects));
    if has_no_pointers(section) {
        let known: HashSet<_> = empty.iter().map(|empty| &empty.path).collect();
        let others: Vec<_> = pointers(source, suspects).into_iter().filter(|path| !known.contains(path)).collect();
        empty.extend(others.into_iter().map(|path| Empty { path, lack: Lack::Pointer }));
    }
    empty
}

/// Returns true for the sections in which a pointer of Git LFS is an error. Code and documents are useful without their
/// large files.
pub(crate) fn has_no_pointers(section: Section) -> bool {
    is_of_model(section) || section == Section::Dataset
}

/// Returns true for a file of weights in the layer at `layer`: by its name, or because it is the model itself.
pub(super) fn is_weights(section: Section, path: &RelativePath, layer: &RelativePath) -> bool {
    let is_model = section == Section::Model && path == layer;
    is_of_model(section) && (is_model || path.file_name().is_some_and(is_model_file))
}

pub(super) fn is_of_model(section: Section) -> bool {
    matches!(section, Section::Model | Section::ModelPart)
}

fn lack_of(source: &LayerSource<'_>, path: &RelativePath, size: u64) -> Option<Lack> {
    if size == 0 {
        return Some(Lack::Bytes);
    }
    if is_pointer(source, path, size) {
        return Some(Lack::Pointer);
    }
    damage_of(source, path, size)
}

/// Returns the problem of a file that its content shows. Packing an unreadable file reports the error.
fn damage_of(source: &LayerSource<'_>, path: &RelativePath, size: u64) -> Option<Lack> {
    let file = sys::open_regular(&path.join_to(source.root)).ok()?;
    lack_in(path.file_name()?, file, size).ok()?
}
