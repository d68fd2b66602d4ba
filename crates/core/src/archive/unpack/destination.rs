//! The folder that is unpacked into.
//!
//! What arrives is compared with what is there and otherwise staged; [`Destination::commit`] alone gives it its final names.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::placing::place;
use super::staging::{Staging, remove_stale};
use crate::archive::beneath::{Folder, Found};
use crate::archive::error::{Conflict, Error, Obstacle};
use crate::direct_writer::cacheable_bytes;
use crate::relative_path::RelativePath;

/// What to do with files of the target that differ from those to be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// Unpack nothing and name them all.
    Refuse,
    /// Replace them.
    Replace,
    /// Leave them as they are.
    Keep,
}

/// The target of one unpacking. Dropping it without [`commit`](Self::commit) leaves nothing of it behind.
///
/// Several threads may extract into it at once.
#[derive(Debug)]
pub struct Destination {
    pub(super) target: Folder,
    pub(super) overwrite: Overwrite,
    place: PathBuf,
    /// Goes before `made`: the target can be removed only when nothing is staged in it.
    state: Mutex<State>,
    made: MadeFolders,
    /// How many bytes more the system takes without waiting for the disk. It is asked when somebody wants to know.
    cacheable_bytes: OnceLock<AtomicU64>,
}

#[derive(Debug, Default)]
struct State {
    files: Fingerprints,
    conflicts: BTreeMap<RelativePath, Obstacle>,
    placed: Placed,
    staging: Option<Arc<Staging>>,
}

/// What became of the files that were unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Placed {
    /// Files that were written, those of `replaced` among them.
    pub files: u64,
    /// The size of these files together.
    pub bytes: u64,
    /// Files that took the place of others.
    pub replaced: u64,
    /// Files that were there already, byte for byte, and were not touched.
    pub already_right: u64,
    /// Files that were there with other content and were left for [`Overwrite::Keep`].
    pub kept: u64,
}

impl Destination {
    /// Opens the folder `place`, and makes it and those above it if they are missing.
    ///
    /// What earlier runs that were killed have left in it is removed.
    pub fn open(place: &Path, overwrite: Overwrite) -> Result<Self, Error> {
        let failed = |source| Error::OpenTarget { path: place.to_owned(), source };
        let mut made = MadeFolders(Vec::new());
        made.make(place).map_err(failed)?;
        let target = Folder::open(place).map_err(failed)?;
        remove_stale(&target, place);
        let (place, state, cacheable_bytes) = (place.to_owned(), Mutex::default(), OnceLock::new());
        Ok(Self { target, overwrite, place, state, made, cacheable_bytes })
    }

    /// Whether `bytes` more can go through the page cache without waiting for the disk. If so, they are taken to come.
    pub(super) fn takes_at_once(&self, bytes: u64) -> bool {
        let take = |left: u64| left.checked_sub(bytes);
        let left = self.cacheable_bytes.get_or_init(|| AtomicU64::new(cacheable_bytes()));
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// Gives everything its final place, if nothing is in the way.
    ///
    /// On an error the target is as it was before; the error is [`Error::Conflicts`] if files that are there are the reason.
    pub fn commit(self) -> Result<Placed, Error> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !state.conflicts.is_empty() {
            let conflicts = state.conflicts.into_iter();
            return Err(Error::Conflicts(conflicts.map(|(path, obstacle)| Conflict { path, obstacle }).collect()));
        }
        if let Some(staging) = &state.staging {
            place(&self.target, staging, self.overwrite)?;
        }
        self.made.keep();
        Ok(state.placed)
    }

    /// Notes that the file `path` arrives; false if it has arrived before.
    pub(super) fn expect_file(&self, path: &RelativePath) -> bool {
        self.state().files.insert(path)
    }

    /// Takes the directory `path` with the `mode` that it has if it is new.
    pub(super) fn take_directory(&self, path: &RelativePath, mode: u32) -> Result<(), Error> {
        match self.find(path)? {
            Found::Directory => Ok(()),
            Found::Nothing if self.is_doomed() => Ok(()),
            Found::Nothing => {
                self.staging()?.create_directory(path, mode).map_err(|source| staging_failed(path, source))
            }
            _ => self.note_conflict(path, Obstacle::NotAFolder),
        }
    }

    /// What the target has at `path`; a symbolic link anywhere on the way is an error.
    pub(super) fn find(&self, path: &RelativePath) -> Result<Found, Error> {
        match self.target.find(path) {
            Ok(Found::Link) => Err(Error::LinkInTarget { path: path.clone() }),
            Ok(found) => Ok(found),
            Err(source) => Err(Error::unpacking(path)(source)),
        }
    }

    /// Whether nothing will be placed anyway, so that staging more is a waste.
    pub(super) fn is_doomed(&self) -> bool {
        !self.state().conflicts.is_empty()
    }

    pub(super) fn note_conflict(&self, path: &RelativePath, obstacle: Obstacle) -> Result<(), Error> {
        // A file where a folder should be is one conflict, however much the folder holds.
        let mut culprit = (path.clone(), obstacle);
        for above in path.ancestors() {
            if matches!(self.find(&above)?, Found::File { .. } | Found::Special) {
                culprit = (above, Obstacle::NotAFolder);
                break;
            }
        }
        self.state().conflicts.insert(culprit.0, culprit.1);
        Ok(())
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Placed)) {
        count(&mut self.state().placed);
    }

    /// The staging folder, which is made when the first thing needs it.
    pub(super) fn staging(&self) -> Result<Arc<Staging>, Error> {
        let mut state = self.state();
        if let Some(staging) = &state.staging {
            return Ok(staging.clone());
        }
        let failed = |source| Error::OpenTarget { path: self.place.clone(), source };
        let staging = Arc::new(Staging::create(&self.target, &self.place).map_err(failed)?);
        state.staging = Some(staging.clone());
        Ok(staging)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why something cannot be staged: usually the disk, but two members may also claim one place.
pub(super) fn staging_failed(path: &RelativePath, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            Error::Refused { member: path.to_string(), reason: "another member takes the same place" }
        }
        _ => Error::unpacking(path)(source),
    }
}

/// Which paths have been seen, in 8 bytes and a little for each.
///
/// The hash is keyed at random, so nobody can choose names that collide. By chance, one run in thirty million with a million
/// files would refuse one of them.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    key: RandomState,
    seen: HashSet<u64>,
}

impl Fingerprints {
    /// False if `path` was there already.
    pub(super) fn insert(&mut self, path: &RelativePath) -> bool {
        self.seen.insert(self.key.hash_one(path))
    }
}

/// The folders that had to be made for the target itself, outermost first. Dropping it removes them.
#[derive(Debug)]
struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    fn make(&mut self, place: &Path) -> io::Result<()> {
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let missing: Vec<_> = place.ancestors().take_while(is_missing).collect();
        for path in missing.into_iter().rev() {
            match std::fs::DirBuilder::new().mode(0o755).create(path) {
                Ok(()) => self.0.push(path.to_owned()),
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
        for path in self.0.iter().rev() {
            // Fails where somebody else has put something into it meanwhile, and then it is right to leave it.
            drop(fs_err::remove_dir(path));
        }
    }
}
