//! Listing the files of a ModelKit.

use std::ops::ControlFlow;

use super::members::{Held, Member, distinct, kitfile, skim};
use super::tables::{Evidence, Headers};
use super::unverified::Unverified;
use crate::archive::PathPatterns;
use crate::digest::Digest;
use crate::limits;
use crate::modelkit::{Layer, ModelKit, Selection, UnreadableEntry};
use crate::oci::Source;
use crate::ops::artifact::{check_filters, check_paths, entries};
use crate::ops::error::Error;
use crate::ops::workers;
use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;

/// A file of a ModelKit. It is small, because a list may have hundreds of thousands of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile<'m> {
    /// The path to which it would be unpacked.
    pub path: RelativePath,
    /// The permissions.
    pub mode: u32,
    /// The size in bytes; `None` for a compressed layer that consists of this one file.
    pub size: Option<u64>,
    /// The digest of the layer that contains it. The Kitfile is not in a layer.
    pub layer: Option<&'m Digest>,
    /// The offset of its content in the layer, if the layer is not compressed.
    pub offset: Option<u64>,
}

/// The files to list.
#[derive(Debug, Default)]
pub struct ListOptions {
    /// The parts.
    pub selection: Selection,
    /// A file or folder; the root for all files.
    pub path: RelativePath,
    /// The files and folders to list of these.
    pub paths: PathPatterns,
    /// The number of layers that are read at the same time.
    pub jobs: usize,
}

/// Lists the files that unpacking a selection would write, sorted by path. Errors call the ModelKit `name`. Files from
/// another ModelKit that the model refers to are not listed.
///
/// Of uncompressed layers only the file headers are read, compressed layers are read completely. Layers that cannot
/// contain anything at `path` are not opened. A warning names the layers whose tables of contents could not be compared
/// with their headers.
pub fn ls<'m>(
    source: &dyn Source,
    modelkit: &'m ModelKit,
    name: &str,
    options: &ListOptions,
    progress: &dyn Progress,
) -> Result<Vec<ListedFile<'m>>, Error> {
    let ListOptions { selection, path, paths, jobs } = options;
    check_filters(selection, name, &entries(modelkit), progress)?;
    let is_at_path = |layer: &Layer| layer.path.starts_with(path) || path.starts_with(&layer.path);
    let may_hold = |layer: &&Layer| is_at_path(layer) && paths.may_match_at_or_below(&layer.path);
    let layers = distinct(modelkit.layers.iter().filter(|layer| selection.takes(layer)).filter(may_hold));
    let held = Held::new(limits::LISTED_FILES);
    let looked = workers::run(*jobs, &layers, |layer| look(source, layer, options, &held))?;
    let unverified = Unverified::default();
    layers
        .iter()
        .zip(&looked)
        .filter(|(_, seen)| seen.is_unverified)
        .for_each(|(layer, _)| unverified.add(&layer.path));
    unverified.report(progress);
    if path.is_root() && selection.is_everything() && paths.is_empty() {
        warn_of_unlisted(modelkit, progress);
    }
    let is_there = looked.iter().any(|seen| seen.is_there);
    // Long lists are not copied: the first one grows.
    let files = looked.into_iter().map(|seen| seen.files).reduce(|mut files, mut more| {
        files.append(&mut more);
        files
    });
    let mut files = files.unwrap_or_default();
    let kitfile = kitfile(modelkit)
        .filter(|(file, _)| selection.takes_kitfile() && file.path.starts_with(path) && paths.take(&file.path));
    files.extend(kitfile.map(|(file, _)| row(None, &file)));
    if files.is_empty() && !is_there && !path.is_root() {
        return Err(Error::NoSuchFile(path.clone()));
    }
    check_paths(paths, selection, name)?;
    // Sorting takes memory, and the files of a single layer are usually sorted.
    if !files.is_sorted_by(|one, other| one.path <= other.path) {
        files.sort_by(|one, other| one.path.cmp(&other.path));
    }
    Ok(files)
}

/// Warns of layers whose files cannot be listed.
fn warn_of_unlisted(modelkit: &ModelKit, progress: &dyn Progress) {
    for UnreadableEntry { place, problem, .. } in &modelkit.unreadable {
        progress.warn(&Warning::EntryNotListed { place, reason: problem.to_string() });
    }
    for layer in modelkit.other_layers() {
        progress.warn(&Warning::LayerNotListed { media_type: layer.media_type.as_str(), digest: layer.digest });
    }
}

/// The content of a layer at a path.
#[derive(Default)]
struct Seen<'m> {
    /// True if the layer contains the path; an empty directory has no files.
    is_there: bool,
    files: Vec<ListedFile<'m>>,
    /// True if a file is from a table of contents that was not compared with the layer.
    is_unverified: bool,
}

fn look<'m>(source: &dyn Source, layer: &'m Layer, options: &ListOptions, held: &Held) -> Result<Seen<'m>, Error> {
    let mut seen = Seen::default();
    let done = skim(source, layer, Headers::Compare, &mut |member, _| {
        if member.path.starts_with(&options.path) {
            seen.is_there = true;
            seen.is_unverified |= member.evidence == Evidence::Nothing;
            if !member.is_directory && options.paths.take(&member.path) {
                held.add(&member.path)?;
                seen.files.push(row(Some(layer), member));
            }
        }
        Ok(ControlFlow::Continue(()))
    });
    done.map(|_| seen)
}

fn row<'m>(layer: Option<&'m Layer>, member: &Member) -> ListedFile<'m> {
    let Member { mode, size, offset, .. } = *member;
    ListedFile { path: member.path.clone(), mode, size, layer: layer.map(|layer| &layer.descriptor.digest), offset }
}
