//! The folder into which layers are unpacked.
//!
//! Incoming files are compared with existing ones and otherwise staged; only [`Destination::commit`] gives them their
//! final names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::ledger::{Ledger, Received};
use super::placing::place;
use super::staging::{Staging, remove_stale};
use super::unsafe_paths::{PathRules, UnsafePaths};
use crate::archive::error::{Conflict, Error, Obstacle};
use crate::archive::ignore::PathPatterns;
use crate::relative_path::RelativePath;
use crate::sys::{self, Dir, Folders, Found, Leftover, LeftoverKind, Link, Metadata};

/// The treatment of files in the target that differ from those to be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// Unpacks nothing and reports all of them.
    Refuse,
    /// Replaces them.
    Replace,
    /// Leaves them unchanged.
    Keep,
}

/// The target of one unpacking. If it is dropped without [`commit`](Self::commit), it leaves nothing behind.
///
/// Several threads may extract into it at once.
#[derive(Debug)]
pub struct Destination {
    pub(super) target: Folders,
    pub(super) overwrite: Overwrite,
    place: PathBuf,
    rules: PathRules,
    paths: Arc<PathPatterns>,
    ledger: Option<Arc<dyn Ledger>>,
    /// Must be dropped before `made`: the target can be removed only when nothing is staged in it.
    state: Mutex<State>,
    made: MadeFolders,
    /// The number of bytes that the system still accepts without waiting for the disk. Determined when it is first
    /// needed.
    cacheable_bytes: OnceLock<AtomicU64>,
}

#[derive(Debug, Default)]
struct State {
    files: Received,
    /// The written files that are not in the ledger yet.
    unnoted: Vec<RelativePath>,
    /// The existing files that are replaced because a crash has damaged them.
    damaged: BTreeSet<RelativePath>,
    conflicts: BTreeMap<RelativePath, Obstacle>,
    placed: Placed,
    staging: Option<Arc<Staging>>,
}

/// The result of unpacking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Placed {
    /// The number of written files, including those of `replaced`.
    pub files: u64,
    /// The size of these files in bytes.
    pub bytes: u64,
    /// The number of files that replaced others.
    pub replaced: u64,
    /// The number of these that replaced files of this program that a crash of the machine has damaged.
    pub repaired: u64,
    /// The number of files that already existed with the same bytes and were not touched.
    pub already_right: u64,
    /// The number of files that existed with other content and were kept because of [`Overwrite::Keep`].
    pub kept: u64,
}

impl std::ops::AddAssign for Placed {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.replaced += other.replaced;
        self.repaired += other.repaired;
        self.already_right += other.already_right;
        self.kept += other.kept;
    }
}

impl Destination {
    /// Opens the folder `place`, and creates it and the folders above it if they are missing.
    ///
    /// Remains of earlier runs that were killed are removed from it.
    pub fn open(place: &Path, overwrite: Overwrite) -> Result<Self, Error> {
        let failed = |source| Error::OpenTarget { path: place.to_owned(), source };
        let mut made = MadeFolders(Vec::new());
        made.make(place).map_err(failed)?;
        let target = Folders::new(Dir::open(place).map_err(failed)?, place, Link::Stay);
        remove_stale(target.root(), place);
        let rules = PathRules::new(&UnsafePaths::Refuse { home: None }, place);
        let (place, state, cacheable_bytes) = (place.to_owned(), Mutex::default(), OnceLock::new());
        let paths = Arc::default();
        Ok(Self { target, overwrite, place, rules, paths, ledger: None, state, made, cacheable_bytes })
    }

    /// Changes the treatment of paths that other programs execute or trust. Without this, they are refused, but those
    /// in a home folder are not recognised.
    #[must_use]
    pub fn with_unsafe_paths(self, unsafe_paths: &UnsafePaths) -> Self {
        Self { rules: PathRules::new(unsafe_paths, &self.place), ..self }
    }

    /// Leaves out the files and folders that `paths` do not select.
    #[must_use]
    pub fn with_paths(self, paths: &Arc<PathPatterns>) -> Self {
        Self { paths: paths.clone(), ..self }
    }

    /// Keeps `ledger` about the written files, and replaces the files that it calls damaged.
    #[must_use]
    pub fn with_ledger(self, ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger: Some(ledger), ..self }
    }

    /// Returns true if `path` is selected.
    pub(super) fn wants(&self, path: &RelativePath) -> bool {
        self.paths.take(path)
    }

    /// Fails if `path` must not be unpacked.
    pub(super) fn check_path(&self, path: &RelativePath) -> Result<(), Error> {
        self.rules.check(path)
    }

    /// Returns true if `bytes` more can go through the page cache without waiting for the disk, and then counts them as
    /// written.
    pub(super) fn takes_at_once(&self, bytes: u64) -> bool {
        let take = |left: u64| left.checked_sub(bytes);
        let left = self.cacheable_bytes.get_or_init(|| AtomicU64::new(sys::cacheable_bytes()));
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// Moves everything to its final path, if there is no conflict.
    ///
    /// After an error the target is as it was before; the error is [`Error::Conflicts`] if existing files are the
    /// reason.
    pub fn commit(self) -> Result<Placed, Error> {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !state.conflicts.is_empty() {
            let conflicts = state.conflicts.into_iter();
            return Err(Error::Conflicts(conflicts.map(|(path, obstacle)| Conflict { path, obstacle }).collect()));
        }
        sys::uninterrupted(|| {
            if let Some(ledger) = &self.ledger {
                state.note_placing(&**ledger)?;
            }
            if let Some(staging) = &state.staging {
                let may_replace = |path: &RelativePath| {
                    // The user may have changed a damaged file since it was compared.
                    let is_damaged = || is_damaged(self.ledger.as_deref(), &self.target, path).unwrap_or(false);
                    self.overwrite == Overwrite::Replace || state.damaged.contains(path) && is_damaged()
                };
                place(self.target.root(), staging, &may_replace)?;
            }
            self.made.keep();
            Ok(state.placed)
        })
    }

    /// Records that the file `path` is unpacked. Returns false if it was unpacked before.
    pub(super) fn expect_file(&self, path: &RelativePath) -> bool {
        self.state().files.add(path)
    }

    /// Keeps the existing file `path` of at most `limit` bytes if `is_right` accepts its content. Returns false if it
    /// does not, or if there is no such file.
    pub fn keep_file(
        &self,
        path: &RelativePath,
        limit: u64,
        is_right: impl FnOnce(Vec<u8>) -> bool,
    ) -> Result<bool, Error> {
        if !self.wants(path) || !matches!(self.find(path)?, Found::File { size } if size <= limit) {
            return Ok(false);
        }
        let file = open_in(&self.target, path)?;
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes).map_err(Error::unpacking(path))?;
        if !is_right(bytes) || !self.expect_file(path) {
            return Ok(false);
        }
        self.count(|placed| placed.already_right += 1);
        Ok(true)
    }

    /// Adds the directory `path`, with `mode` if it is new.
    pub(super) fn take_directory(&self, path: &RelativePath, mode: u32) -> Result<(), Error> {
        if !self.wants(path) {
            return Ok(());
        }
        self.check_path(path)?;
        match self.find(path)? {
            Found::Directory => Ok(()),
            Found::Nothing if self.is_doomed() => Ok(()),
            Found::Nothing => {
                self.staging()?.create_directory(path, mode).map_err(|source| staging_failed(path, source))
            }
            _ => self.note_conflict(path, Obstacle::NotAFolder),
        }
    }

    /// Returns the kind of file at `path` in the target; a symbolic link anywhere on the path is an error.
    pub(super) fn find(&self, path: &RelativePath) -> Result<Found, Error> {
        find_in(&self.target, path)
    }

    /// Returns true if there is a conflict, so that nothing will be committed and staging is useless.
    pub(super) fn is_doomed(&self) -> bool {
        !self.state().conflicts.is_empty()
    }

    pub(super) fn note_conflict(&self, path: &RelativePath, obstacle: Obstacle) -> Result<(), Error> {
        let Conflict { path, obstacle } = culprit(&self.target, path, obstacle)?;
        self.state().conflicts.insert(path, obstacle);
        Ok(())
    }

    /// Returns true if the existing file `path`, which differs from the one to be unpacked, may be replaced although
    /// others may not.
    pub(super) fn is_damaged(&self, path: &RelativePath) -> Result<bool, Error> {
        is_damaged(self.ledger.as_deref(), &self.target, path)
    }

    /// Counts a file that replaces one that a crash has damaged.
    pub(super) fn note_repair(&self, path: &RelativePath) {
        let mut state = self.state();
        state.placed.repaired += 1;
        state.damaged.insert(path.clone());
    }

    /// Counts a file of `size` bytes that was written, and adds it to the ledger; later if `written` is missing.
    pub(super) fn note_written(&self, path: &RelativePath, size: u64, written: Option<&Metadata>) {
        let mut state = self.state();
        state.placed.files += 1;
        state.placed.bytes += size;
        match (&self.ledger, written) {
            (None, _) => {}
            (Some(_), None) => state.unnoted.push(path.clone()),
            (Some(ledger), Some(written)) => {
                state.files.add_written(path);
                drop(state);
                ledger.note(path, written);
            }
        }
    }

    /// Returns the metadata of the `file` that was written at `path`, if there is a ledger.
    pub(super) fn metadata_for_ledger(&self, path: &RelativePath, file: &File) -> Result<Option<Metadata>, Error> {
        let metadata = self.ledger.as_ref().map(|_| Metadata::of(file)).transpose();
        metadata.map_err(Error::unpacking(path))
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Placed)) {
        count(&mut self.state().placed);
    }

    /// Returns the staging folder, which is created when it is first needed.
    pub(super) fn staging(&self) -> Result<Arc<Staging>, Error> {
        let mut state = self.state();
        if let Some(staging) = &state.staging {
            return Ok(staging.clone());
        }
        let failed = |source| Error::OpenTarget { path: self.place.clone(), source };
        let staging = Arc::new(Staging::create(self.target.root(), &self.place).map_err(failed)?);
        state.staging = Some(staging.clone());
        Ok(staging)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the kind of file at `path` in `target`; a symbolic link anywhere on the path is an error.
pub(super) fn find_in(target: &Folders, path: &RelativePath) -> Result<Found, Error> {
    match target.at(path.as_str(), Dir::find) {
        Ok(Found::Link) => Err(Error::LinkInTarget { path: path.clone() }),
        Ok(found) => Ok(found),
        Err(source) => Err(Error::unpacking(path)(source)),
    }
}

/// Opens the file `path` in `target` for reading.
pub(super) fn open_in(target: &Folders, path: &RelativePath) -> Result<File, Error> {
    target.at(path.as_str(), |folder, name| folder.open_file(name, Link::Stay)).map_err(Error::unpacking(path))
}

/// Returns the conflict of `path` with `obstacle`. A file at the path of a folder is one conflict, however much the
/// folder contains.
pub(super) fn culprit(target: &Folders, path: &RelativePath, obstacle: Obstacle) -> Result<Conflict, Error> {
    let is_below_file = find_in(target, path)? == Found::BelowFile;
    for above in path.ancestors().filter(|_| is_below_file) {
        if matches!(find_in(target, &above)?, Found::File { .. } | Found::Special) {
            return Ok(Conflict { path: above, obstacle: Obstacle::NotAFolder });
        }
    }
    Ok(Conflict { path: path.clone(), obstacle })
}

impl State {
    /// Completes the `ledger` before the files get their names.
    fn note_placing(&mut self, ledger: &dyn Ledger) -> Result<(), Error> {
        for path in &self.unnoted {
            let staging = self.staging.as_ref().expect("what was written is in the staging folder");
            let written = staging.metadata_of(path);
            ledger.note(path, &written.map_err(Error::unpacking(path))?);
            self.files.add_written(path);
        }
        ledger.begin_placing(&self.files);
        Ok(())
    }
}

fn is_damaged(ledger: Option<&dyn Ledger>, target: &Folders, path: &RelativePath) -> Result<bool, Error> {
    let Some(ledger) = ledger else { return Ok(false) };
    let found = target.at(path.as_str(), |folder, name| folder.metadata_of(name, Link::Stay));
    let found = found.map_err(Error::unpacking(path))?;
    Ok(ledger.is_damaged(path, &found))
}

/// Returns the error of staging a file: usually one of the disk, but two members may also have the same path.
pub(super) fn staging_failed(path: &RelativePath, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            Error::Refused { member: path.to_string(), reason: "it conflicts with another member" }
        }
        _ => Error::unpacking(path)(source),
    }
}

/// The folders that were created for the target itself, outermost first. Dropping it removes them.
#[derive(Debug)]
struct MadeFolders(Vec<(PathBuf, Leftover)>);

impl MadeFolders {
    fn make(&mut self, place: &Path) -> io::Result<()> {
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let missing: Vec<_> = place.ancestors().take_while(is_missing).collect();
        for path in missing.into_iter().rev() {
            let kind = |(): &()| LeftoverKind::EmptyFolder(path.to_owned());
            match Leftover::create(|| sys::create_dir(path, 0o755), kind) {
                Ok(((), leftover)) => self.0.push((path.to_owned(), leftover)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        for (path, _) in self.0.iter().rev() {
            // Fails if another process has created something in it in the meantime, and then it must stay.
            drop(fs_err::remove_dir(path));
        }
    }
}
