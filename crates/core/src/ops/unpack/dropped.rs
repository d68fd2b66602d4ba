//! Files of an earlier version of a ModelKit in the folder: those that the unpacked one does not contain, and those
//! that it replaces although they were changed.
//!
//! Earlier versions are those that this program unpacked from the same repository into the same folder, by its records.
//! A file counts only if it is as it was written, so that files of the user, and those that the user has changed, are
//! never deleted.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::Path;

use fs_err as fs;
use tracing::debug;

use crate::archive::{Overwrite, Received};
use crate::compression::Compression;
use crate::kitfile::Section;
use crate::limits;
use crate::modelkit::{ContentsTable, Layer};
use crate::oci::Source;
use crate::ops::artifact::Inspected;
use crate::ops::error::Error;
use crate::ops::files::{Headers, Held, skim};
use crate::ops::session::Session;
use crate::progress::{Paths, Progress, Warning};
use crate::relative_path::RelativePath;
use crate::store::{UnpackEntry, UnpackRun, UnpackedFile, UnpackedPart};
use crate::sys::{Dir, FileType, Link, Metadata};

use super::into_folder::{DroppedFiles, UnpackOptions};
use super::plan::{PlannedAction, PlannedFile};

/// The number of files that a warning names.
const NAMED: usize = 3;

/// A file of an earlier version that the current run does not have.
#[derive(Debug, Clone)]
pub(super) struct EarlierFile {
    path: RelativePath,
    written: UnpackedFile,
    is_unchanged: bool,
}

/// The relation of a run to a file of an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It contains the file as well, and has not changed it.
    Shared,
    /// It replaces the file.
    Replaced,
    /// It does not contain the file, or has not compared it.
    Other,
}

/// The search for the files of earlier versions in their records.
pub(super) struct Earlier<'a> {
    /// None if the folder cannot be read; then nothing is found.
    folder: Option<Dir>,
    options: &'a UnpackOptions,
    held: Held,
    /// For each path of a layer of the current run, true if a layer there is of the ModelKit itself and selected now.
    parts: HashMap<RelativePath, bool>,
    found: FoundEarlier,
}

/// The files of earlier versions that matter for a run.
#[derive(Debug, Default)]
pub(super) struct FoundEarlier {
    /// Those that the run does not have.
    dropped: Vec<EarlierFile>,
    /// Those that the run replaces although they were changed after they had been written.
    overwritten: Vec<RelativePath>,
}

impl<'a> Earlier<'a> {
    pub(super) fn new(folder: &Path, options: &'a UnpackOptions) -> Self {
        let (folder, held) = (Dir::open(folder).ok(), Held::new(limits::LISTED_FILES));
        Self { folder, options, held, parts: HashMap::new(), found: FoundEarlier::default() }
    }

    /// Begins with the files of `run`.
    pub(super) fn begin_run(&mut self, run: &UnpackRun) {
        self.parts.clear();
        for part in &run.parts {
            if let Ok(path) = part.path.parse() {
                let is_taken = self.takes(part, &path);
                *self.parts.entry(path).or_insert(false) |= is_taken;
            }
        }
    }

    /// Returns what the current run does with `file`.
    pub(super) fn fate(&self, file: &UnpackedFile, received: &Received) -> Fate {
        match file.path.parse() {
            Ok(path) if received.is_written(&path) => Fate::Replaced,
            // With the other choices, a file of the run that is not written has been compared.
            Ok(path) if received.contains(&path) && self.options.overwrite != Overwrite::Keep => Fate::Shared,
            _ => Fate::Other,
        }
    }

    /// Returns true if the record should keep `file`, which the current run does not write: it still exists.
    pub(super) fn keeps(&mut self, file: &UnpackedFile, received: &Received) -> bool {
        let Ok(path) = file.path.parse::<RelativePath>() else { return false };
        if received.contains(&path) {
            return true;
        }
        if !self.is_selected(&path) || !self.options.paths.take(&path) || self.held.add(&path).is_err() {
            return true;
        }
        let Some(folder) = &self.folder else { return true };
        let Some(is_unchanged) = is_unchanged(folder, &path, file) else { return false };
        self.found.dropped.push(EarlierFile { path, written: file.clone(), is_unchanged });
        true
    }

    /// Notes that the current run replaces `file`, which still has its place. A file that a crash may have damaged does
    /// not count as changed.
    pub(super) fn note_replaced(
        &mut self,
        file: &UnpackedFile,
        may_be_damaged: impl Fn(&RelativePath, &Metadata) -> bool,
    ) {
        let Some((folder, path)) = self.folder.as_ref().zip(file.path.parse::<RelativePath>().ok()) else { return };
        let is_wanted = self.options.overwrite == Overwrite::Replace;
        if is_wanted
            && found_at(folder, &path).is_some_and(|found| !is_same(&found, file) && !may_be_damaged(&path, &found))
        {
            self.found.overwritten.push(path);
        }
    }

    pub(super) fn into_found(self) -> FoundEarlier {
        self.found
    }

    fn takes(&self, part: &UnpackedPart, path: &RelativePath) -> bool {
        let section = part.section.as_deref().and_then(Section::from_key);
        section.is_some_and(|section| self.options.selection.takes_entry(section, [&part.name, path.as_str()], path))
    }

    /// Returns true if the layer of the file is selected now: the innermost one, as the Kitfile excludes the paths of
    /// other layers from a layer.
    fn is_selected(&self, path: &RelativePath) -> bool {
        let mut places = std::iter::successors(Some(path.clone()), RelativePath::parent);
        places.find_map(|place| self.parts.get(&place).copied()).unwrap_or(false)
    }
}

/// Returns true if the file at `path` is as it was written. None if there is none.
fn is_unchanged(folder: &Dir, path: &RelativePath, written: &UnpackedFile) -> Option<bool> {
    found_at(folder, path).map(|found| is_same(&found, written))
}

fn found_at(folder: &Dir, path: &RelativePath) -> Option<Metadata> {
    folder.metadata_of(path.as_str(), Link::Stay).ok().filter(|found| found.file_type == FileType::File)
}

fn is_same(found: &Metadata, written: &UnpackedFile) -> bool {
    (found.size, found.modified) == (written.size, written.modified)
}

/// Deletes the files that earlier versions left in the folder, or warns of them, and warns of changed files that were
/// replaced. Returns the deleted ones.
///
/// If the current run has not unpacked all layers of `child`, which is read from `source`, the others may contain some
/// of the files that it does not have.
pub(super) fn settle_earlier(
    earlier: FoundEarlier,
    unpacked: (&dyn Source, &Inspected),
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<Vec<RelativePath>, Error> {
    warn_of_overwritten(earlier.overwritten, progress, false);
    let earlier = without_contained(earlier.dropped, unpacked, options)?;
    match options.dropped {
        DroppedFiles::Delete => delete(&earlier, options, progress),
        DroppedFiles::Keep => Ok(warn(&earlier, progress)),
    }
}

fn warn_of_overwritten(mut overwritten: Vec<RelativePath>, progress: &dyn Progress, is_dry_run: bool) {
    overwritten.sort();
    if let Some(files) = named(&overwritten.iter().collect::<Vec<_>>()) {
        progress.warn(&Warning::ChangedFilesReplaced { files, is_dry_run });
    }
}

/// Returns true if files of earlier versions should be deleted from a folder that has files, but no record of them.
pub(super) fn lacks_record(session: &Session<'_>, repository: &str, options: &UnpackOptions) -> bool {
    let is_empty = |folder: &Path| fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    let Ok(folder) = fs::canonicalize(&options.folder) else { return false };
    let has_record = || session.store.unpack_entries(&folder, repository).is_ok_and(|mut it| it.next().is_some());
    options.dropped == DroppedFiles::Delete && !is_empty(&folder) && !has_record()
}

/// Warns that nothing is deleted, as [`lacks_record`] found.
pub(super) fn warn_of_no_record(options: &UnpackOptions, progress: &dyn Progress) {
    progress.warn(&Warning::NoUnpackRecord { folder: &options.folder.display().to_string() });
}

/// Returns the files that [`settle_earlier`] would delete if `files` were unpacked from `repository`, or warns of them.
pub(super) fn plan_earlier(
    session: &Session<'_>,
    repository: &str,
    unpacked: (&dyn Source, &Inspected),
    options: &UnpackOptions,
    files: &[PlannedFile],
) -> Result<Vec<RelativePath>, Error> {
    let Ok(folder) = fs::canonicalize(&options.folder) else { return Ok(Vec::new()) };
    let entries = match session.store.unpack_entries(&folder, repository) {
        Ok(entries) => entries,
        Err(error) => {
            debug!(%error, "cannot read the unpack record");
            return Ok(Vec::new());
        }
    };
    let planned: HashMap<_, _> = files.iter().map(|file| (file.path.as_str(), file.action)).collect();
    let mut earlier = Earlier::new(&folder, options);
    for entry in entries {
        match entry {
            UnpackEntry::Run(run) => earlier.begin_run(&run),
            UnpackEntry::Times(_) => {}
            UnpackEntry::File(file) => match planned.get(file.path.as_str()) {
                None => drop(earlier.keeps(&file, &Received::default())),
                Some(PlannedAction::Replace) => earlier.note_replaced(&file, |_, _| false),
                Some(_) => {}
            },
        }
    }
    let FoundEarlier { dropped, overwritten } = earlier.into_found();
    warn_of_overwritten(overwritten, session.progress, true);
    let earlier = without_contained(dropped, unpacked, options)?;
    match options.dropped {
        DroppedFiles::Delete => {
            Ok(earlier.into_iter().filter(|file| file.is_unchanged).map(|file| file.path).collect())
        }
        DroppedFiles::Keep => Ok(warn(&earlier, session.progress)),
    }
}

/// Returns the files of `earlier` that no layer of `child` contains, sorted. If they are only reported and the layers
/// cannot be compared, returns none.
fn without_contained(
    mut earlier: Vec<EarlierFile>,
    (source, child): (&dyn Source, &Inspected),
    options: &UnpackOptions,
) -> Result<Vec<EarlierFile>, Error> {
    match remove_contained(&mut earlier, source, child, options) {
        Err(error) if options.dropped == DroppedFiles::Delete => return Err(error),
        Err(error) => {
            debug!(%error, "cannot compare the folder with earlier versions");
            return Ok(Vec::new());
        }
        Ok(()) => {}
    }
    earlier.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(earlier)
}

fn warn(earlier: &[EarlierFile], progress: &dyn Progress) -> Vec<RelativePath> {
    let unchanged: Vec<_> = earlier.iter().filter(|file| file.is_unchanged).map(|file| &file.path).collect();
    if let Some(paths) = named(&unchanged) {
        progress.warn(&Warning::EarlierFilesRemain(paths));
    }
    Vec::new()
}

fn delete(
    earlier: &[EarlierFile],
    options: &UnpackOptions,
    progress: &dyn Progress,
) -> Result<Vec<RelativePath>, Error> {
    let folder = Dir::open(&options.folder)?;
    let (mut deleted, mut kept) = (Vec::new(), Vec::new());
    for EarlierFile { path, written, .. } in earlier {
        match is_unchanged(&folder, path, written) {
            Some(true) => {
                folder.remove_file(path.as_str())?;
                deleted.push(path.clone());
            }
            Some(false) => kept.push(path),
            None => {}
        }
    }
    if let Some(paths) = named(&kept) {
        progress.warn(&Warning::ChangedFilesKept(paths));
    }
    Ok(deleted)
}

/// Returns the first of `paths`, and the number of the others. None if there are no paths.
pub(crate) fn named<'a>(paths: &[&'a RelativePath]) -> Option<Paths<'a>> {
    let (first, more) =
        (paths.iter().take(NAMED).map(|path| path.as_str()).collect(), paths.len().saturating_sub(NAMED));
    (!paths.is_empty()).then_some(Paths { paths: first, more })
}

/// Removes the files from `earlier` that the layers of `child` contain which are not unpacked now; all files below the
/// path of such a layer if it cannot be listed.
fn remove_contained(
    earlier: &mut Vec<EarlierFile>,
    source: &dyn Source,
    child: &Inspected,
    options: &UnpackOptions,
) -> Result<(), Error> {
    let layers = child.modelkit.layers.iter().filter(|layer| !options.selection.takes(layer));
    for layer in layers {
        if !earlier.iter().any(|file| file.path.starts_with(&layer.path)) {
            continue;
        }
        if !is_listable(layer) {
            earlier.retain(|file| !file.path.starts_with(&layer.path));
            continue;
        }
        let mut left: BTreeMap<_, _> = earlier.drain(..).map(|file| (file.path.clone(), file)).collect();
        let listed = skim(source, layer, Headers::Compare, &mut |member, _| {
            left.remove(&member.path);
            Ok(ControlFlow::Continue(()))
        });
        listed.map(drop)?;
        earlier.extend(left.into_values());
    }
    Ok(())
}

/// Returns true if the files of the layer can be listed without reading all of it.
fn is_listable(layer: &Layer) -> bool {
    layer.compression == Compression::None || ContentsTable::of(&layer.descriptor).is_some()
}
