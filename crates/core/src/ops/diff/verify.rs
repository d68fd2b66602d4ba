//! Verifies that a folder still matches a lock or a ModelKit.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use fs_err as fs;

use super::working_folder::WorkingFolder;
use crate::archive::{self, LayerSource, Links, Modes, Notebooks, PathPatterns};
use crate::digest::Digest;
use crate::kitfile::{self, FILE_NAMES};
use crate::limits;
use crate::modelkit::{
    Change, Drift, Layer, Lock, LockedFile, LockedLayer, LockedRemote, Selection, Subject, kitfile_digest,
};
use crate::oci::Source;
use crate::ops::artifact::{
    check_filters, check_paths, entries, entries_of_parents, inspect, locked_entries, refuse_unreadable,
};
use crate::ops::error::Error;
use crate::ops::files::read_ignore_rules;
use crate::ops::pack::read_selected;
use crate::ops::session::{Located, Session};
use crate::ops::unpack::{Chosen, Damage, named, wanted_parents};
use crate::ops::workers;
use crate::progress::{Phase, Progress, Warning};
use crate::relative_path::RelativePath;
use crate::store::Store;
use crate::sys::{self, FileType, Metadata};

/// The folder to verify, and the settings for it.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The folder.
    pub folder: PathBuf,
    /// The part of the ModelKit that is verified.
    pub selection: Selection,
    /// The files and folders that are verified of this part.
    pub paths: Arc<PathPatterns>,
    /// The search for files that the ModelKit does not have.
    pub extra: ExtraFiles,
    /// The store with the records of unpacking, which show whether a crash can have damaged a file.
    pub records: Option<Store>,
    /// The number of files or layers that are read at once.
    pub jobs: usize,
}

/// The places in which files that the ModelKit does not have are differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExtraFiles {
    /// The paths of the layers that are verified.
    #[default]
    InLayers,
    /// The whole folder, except for the paths of layers that are not verified.
    Anywhere,
}

/// The result of verifying a folder.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The manifest that the folder was compared with.
    pub manifest: Digest,
    /// The number of expected files.
    pub files: usize,
    /// The total size of the expected files.
    pub bytes: u64,
    /// The differences: the Kitfile first, then files by path.
    pub drifts: Vec<Drift>,
}

/// Compares a folder with `lock`. A lock does not list the files of parents, so these are neither missing nor extra.
/// Remote datasets do not have to be present. Errors call the lock `name`.
pub fn verify_lock(
    lock: &Lock,
    name: &str,
    options: &VerifyOptions,
    progress: &dyn Progress,
) -> Result<Verified, Error> {
    check_filters(&options.selection, name, &locked_entries(lock), progress)?;
    let of_parents = lock.parents.iter().flat_map(|parent| &parent.paths);
    let remote = lock.remotes.iter().map(|remote| &remote.path);
    let paths = lock.layers.iter().map(|layer| &layer.path).chain(of_parents).chain(remote).cloned().collect();
    let wanted = lock.layers.iter().filter(|layer| options.selection.takes_locked(layer)).cloned().collect();
    let kitfile = options.selection.takes_kitfile().then_some(lock.kitfile);
    let fetched = lock.remotes.iter().filter(|remote| options.selection.takes_locked_remote(remote));
    let fetched = fetched.filter_map(|remote| fetched_file(remote, options)).collect();
    Expected { manifest: lock.manifest, kitfile, wanted, fetched, paths }.verify(name, options, progress)
}

/// Compares a folder with the files that `kit unpack` would write. The files of each layer are listed from its table of
/// contents; a layer without one is read and verified once.
pub fn verify_modelkit(
    session: &Session<'_>,
    found: &Located,
    name: &str,
    options: &VerifyOptions,
) -> Result<Verified, Error> {
    verify_found(session, found, name, options).map_err(|error| error.of_place(found.is_remote))
}

fn verify_found(
    session: &Session<'_>,
    found: &Located,
    name: &str,
    options: &VerifyOptions,
) -> Result<Verified, Error> {
    let VerifyOptions { selection, jobs, .. } = options;
    let child = inspect(found)?;
    let parents = wanted_parents(session, &child, name, selection)?;
    refuse_unreadable(&child.modelkit, selection)?;
    let named: Vec<_> = entries(&child.modelkit).into_iter().chain(entries_of_parents(&parents)).collect();
    check_filters(selection, name, &named, session.progress)?;
    let (mut chosen, mut wanted) = (Chosen::default(), Vec::new());
    let of_parent = selection.of_parent();
    let may_match = |layer: &&Layer| options.paths.may_match_at_or_below(&layer.path);
    let read = |source: &dyn Source, layer: &Layer| read_selected(source, layer, &options.paths, session.progress);
    for parent in parents.iter().rev() {
        let mut layers = chosen.of(&parent.inspected.modelkit, of_parent.as_ref());
        layers.retain(may_match);
        wanted.extend(workers::run(*jobs, &layers, |layer| read(&*parent.found.source, layer))?);
    }
    let mut layers = chosen.of(&child.modelkit, Some(selection));
    layers.retain(may_match);
    wanted.extend(workers::run(*jobs, &layers, |layer| read(&*found.source, layer))?);
    let of_parents = parents.iter().flat_map(|parent| &parent.inspected.modelkit.layers);
    let remote = child.modelkit.config.kitfile.remote_datasets().filter_map(|dataset| dataset.path.parse().ok());
    let paths = child.modelkit.layers.iter().chain(of_parents).map(|layer| layer.path.clone()).chain(remote).collect();
    let kitfile = selection.takes_kitfile().then(|| kitfile_digest(&child.modelkit.config.kitfile));
    Expected { manifest: child.descriptor.digest, kitfile, wanted, fetched: Vec::new(), paths }.verify(
        name,
        options,
        session.progress,
    )
}

/// The expected contents of a folder.
struct Expected {
    manifest: Digest,
    /// The digest of the expected Kitfile: see [`kitfile_digest`].
    kitfile: Option<Digest>,
    /// The layers to compare with. If two have the same file, the later one counts.
    wanted: Vec<LockedLayer>,
    /// The files of remote datasets that have been fetched.
    fetched: Vec<LockedFile>,
    /// The paths of all layers and remote datasets, selected or not. Files below one of them belong to no other layer.
    paths: Vec<RelativePath>,
}

impl Expected {
    fn verify(&self, name: &str, options: &VerifyOptions, progress: &dyn Progress) -> Result<Verified, Error> {
        let expected = self.wanted.iter().flat_map(|layer| &layer.files).chain(&self.fetched);
        let expected = expected.filter(|file| options.paths.take(&file.path));
        let by_path: BTreeMap<_, _> = expected.map(|file| (&file.path, file)).collect();
        let files: Vec<&LockedFile> = by_path.values().copied().collect();
        let bytes = files.iter().map(|file| file.size).fold(0, u64::saturating_add);
        let label = if files.len() == 1 { "1 file".to_owned() } else { format!("{} files", files.len()) };
        let task = progress.start(Phase::Verifying, &label, Some(bytes));
        let folder = WorkingFolder::open(&options.folder);
        let changes = workers::run(options.jobs, &files, |file| folder.compare(file, &*task))?;
        let mut drifts = Vec::new();
        for (file, changes) in files.iter().zip(changes) {
            drifts.extend(changes.into_iter().map(|change| drift(&file.path, change)));
        }
        drifts.extend(self.folders(&folder, options)?);
        for path in self.present(options)?.iter().filter(|path| !by_path.contains_key(path)) {
            drifts.push(drift(path, Change::Extra));
        }
        if let Some(expected) = self.kitfile.filter(|_| takes_kitfile(options)) {
            let change = kitfile_change(options, expected)?;
            drifts.extend(change.map(|change| Drift { subject: Subject::Kitfile, change }));
        }
        check_paths(&options.paths, &options.selection, name)?;
        drifts.sort_by(|one, other| one.subject.cmp(&other.subject));
        drifts.dedup();
        self.warn_of_damage(&drifts, options, progress);
        Ok(Verified { manifest: self.manifest, files: files.len(), bytes, drifts })
    }

    /// Warns of the files among `drifts` that a crash has damaged.
    fn warn_of_damage(&self, drifts: &[Drift], options: &VerifyOptions, progress: &dyn Progress) {
        let changed: Vec<_> = drifts.iter().filter_map(path_of_changed_file).collect();
        let Some(store) = options.records.as_ref().filter(|_| !changed.is_empty()) else { return };
        let layers = self.wanted.iter().map(|layer| (layer.digest, layer.path.clone()));
        let fetched = self.fetched.iter().map(|file| (file.digest, file.path.clone()));
        let kitfile = self.kitfile.and_then(|digest| Some((digest, FILE_NAMES[0].parse().ok()?)));
        let damage = Damage::read(store, &options.folder, &layers.chain(fetched).chain(kitfile).collect());
        let is_damaged = |path: &&RelativePath| {
            let found = Metadata::at(&path.join_to(&options.folder));
            found.is_ok_and(|found| damage.includes(path, &found))
        };
        let damaged: Vec<_> = changed.iter().filter(is_damaged).collect();
        if let Some(paths) = named(&damaged) {
            progress.warn(&Warning::DamagedInCrash(paths));
        }
    }

    /// Compares the folders that the layers contain. Additional folders are not reported, unless they contain files.
    fn folders(&self, folder: &WorkingFolder, options: &VerifyOptions) -> Result<Vec<Drift>, Error> {
        let by_path: BTreeMap<_, _> =
            self.wanted.iter().flat_map(|layer| &layer.folders).map(|folder| (&folder.path, folder.mode)).collect();
        let mut drifts = Vec::new();
        for (path, mode) in by_path.into_iter().filter(|(path, _)| options.paths.take(path)) {
            let change = match folder.metadata_of(path) {
                Ok(metadata) if metadata.file_type == FileType::Directory => mode_change(mode, metadata.mode),
                Ok(_) => Some(Change::Missing),
                Err(error) if is_absent(&error) => Some(Change::Missing),
                Err(error) => return Err(error.into()),
            };
            drifts.extend(change.map(|change| Drift { subject: Subject::Folder(path.clone()), change }));
        }
        Ok(drifts)
    }

    /// Lists the files that exist where extra files are searched for, without those that the `.kitignore` in the folder
    /// excludes.
    fn present(&self, options: &VerifyOptions) -> Result<Vec<RelativePath>, Error> {
        let ignore = &read_ignore_rules(&options.folder)?;
        let mut present = Vec::new();
        let mut searched: Vec<_> = self.wanted.iter().map(|layer| layer.path.clone()).collect();
        if options.extra == ExtraFiles::Anywhere {
            searched.push(RelativePath::root());
        }
        for path in &searched {
            let excluded =
                self.paths.iter().filter(|other| *other != path && other.starts_with(path)).cloned().collect();
            let source = LayerSource {
                root: &options.folder,
                path: path.clone(),
                excluded,
                ignore,
                links: Links::Follow,
                notebooks: Notebooks::AsTheyAre,
                modes: Modes::default(),
            };
            match source.files() {
                Ok(files) => present.extend(files.into_iter().filter(|path| options.paths.take(path))),
                // Its files are missing, which `compare` reports.
                Err(archive::Error::MissingPath { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(present)
    }
}

/// Returns the file of a remote dataset, if it exists. Its mode is not compared.
fn fetched_file(remote: &LockedRemote, options: &VerifyOptions) -> Option<LockedFile> {
    let LockedRemote { path, digest, size, .. } = remote.clone();
    let metadata = fs::metadata(path.join_to(&options.folder)).ok().filter(std::fs::Metadata::is_file)?;
    let size = size.unwrap_or(metadata.len());
    Some(LockedFile { path, mode: sys::mode_of(&metadata) & 0o777, size, digest })
}

fn takes_kitfile(options: &VerifyOptions) -> bool {
    FILE_NAMES[0].parse().is_ok_and(|path| options.paths.take(&path))
}

/// Returns the path of a file that exists with other content.
fn path_of_changed_file(drift: &Drift) -> Option<RelativePath> {
    match (&drift.subject, &drift.change) {
        (Subject::File(path), Change::Differs { what: "content" | "size", .. }) => Some(path.clone()),
        (Subject::Kitfile, Change::Differs { .. }) => FILE_NAMES[0].parse().ok(),
        _ => None,
    }
}

fn drift(path: &RelativePath, change: Change) -> Drift {
    Drift { subject: Subject::File(path.clone()), change }
}

pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Compares modes. The umask of the user who unpacks may remove permissions of the group and of others. Nothing else
/// may differ except setuid, setgid and sticky, which systems may remove as well.
pub(super) fn mode_change(expected: u32, found: u32) -> Option<Change> {
    if !sys::HAS_MODES {
        return None;
    }
    let found = found & 0o777;
    let is_right = found & !expected == 0 && (found ^ expected) & 0o700 == 0;
    Change::in_value("mode", &format!("{:o}", expected & 0o777), &format!("{found:o}")).filter(|_| !is_right)
}

/// Compares the Kitfile in the folder. It matches if it is the one that `kit unpack` writes, or if it has the same
/// content in another formatting.
fn kitfile_change(options: &VerifyOptions, expected: Digest) -> Result<Option<Change>, Error> {
    let place = FILE_NAMES.iter().map(|name| options.folder.join(name)).find(|place| place.is_file());
    let Some(place) = place else { return Ok(Some(Change::Missing)) };
    let text = sys::read_regular(&place, limits::KITFILE_BYTES)?;
    let as_written = Digest::of(&text);
    if as_written == expected {
        return Ok(None);
    }
    let kitfile = String::from_utf8(text).ok().and_then(|text| kitfile::parse(&text).ok());
    Ok(Change::in_value("content", &expected, &kitfile.map_or(as_written, |kitfile| kitfile_digest(&kitfile))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit_testkit::platform::IS_WINDOWS;

    #[test]
    fn a_mode_may_lack_the_permissions_that_an_umask_removes() {
        for (expected, found, is_right) in [
            (0o644, 0o644, true),
            (0o664, 0o644, true),
            (0o777, 0o700, true),
            (0o4755, 0o755, true),
            (0o644, 0o755, false),
            (0o755, 0o644, false),
            (0o600, 0o644, false),
            (0o644, 0o444, false),
        ] {
            // Windows has no permission bits to compare.
            assert_eq!(mode_change(expected, found).is_none(), is_right || IS_WINDOWS, "{expected:o} {found:o}");
        }
    }
}
