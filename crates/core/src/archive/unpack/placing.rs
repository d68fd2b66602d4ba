//! Moves staged files and folders to their final paths: all of them, or none.

use std::io;

use super::staging::Staging;
use crate::archive::error::Error;
use crate::archive::tar::Records;
use crate::relative_path::RelativePath;
use crate::sys::{Dir, Found};

/// The maximum number of names of a folder in memory.
const BATCH: usize = 4096;

/// The tags of the journal.
const PLACED: &str = "placed";
const REPLACED: &str = "replaced";

/// Moves everything from `staging` to `target`. If that fails midway, everything that was moved is moved back.
///
/// A folder that the target does not have is moved with its content, so a new target costs a few renames, however many
/// files there are. Existing files are replaced if `may_replace` returns true for them.
pub(super) fn place(target: &Dir, staging: &Staging, may_replace: &dyn Fn(&RelativePath) -> bool) -> Result<(), Error> {
    let journal = staging.create_journal().map_err(Error::unpacking(&RelativePath::root()))?;
    let mut placing = Placing { target, staging, may_replace, journal, done: 0 };
    let result = placing.folder(&RelativePath::root()).and_then(|()| placing.set_late_modes());
    if result.is_err() {
        placing.roll_back()?;
    }
    result
}

struct Placing<'a> {
    target: &'a Dir,
    staging: &'a Staging,
    may_replace: &'a dyn Fn(&RelativePath) -> bool,
    /// The steps, each recorded before it is executed.
    journal: Records,
    /// The number of executed steps; the last one in the journal may not have been executed.
    done: usize,
}

impl Placing<'_> {
    fn folder(&mut self, path: &RelativePath) -> Result<(), Error> {
        let new = self.staging.content();
        loop {
            // Moved entries are no longer in the folder, so each batch contains other names.
            let names = new.some_names(path.as_str(), BATCH, |_| true).map_err(Error::unpacking(path))?;
            if names.is_empty() {
                return Ok(());
            }
            for name in names {
                self.entry(&path.child(&name).expect("a folder lists normal names"))?;
            }
        }
    }

    fn entry(&mut self, path: &RelativePath) -> Result<(), Error> {
        let failed = Error::unpacking(path);
        let new = self.staging.content().find(path.as_str()).map_err(&failed)?;
        match (new, self.target.find(path.as_str()).map_err(&failed)?) {
            (_, Found::Nothing) => self.move_in(path),
            (Found::Directory, Found::Directory) => {
                self.folder(path)?;
                self.staging.content().remove_directory(path.as_str()).map_err(failed)
            }
            (Found::File { .. }, Found::File { .. }) if (self.may_replace)(path) => {
                self.step(REPLACED, path, |this, number| this.staging.replace(this.target, path, number))
            }
            _ => Err(Error::TargetChanged { path: path.clone() }),
        }
    }

    fn move_in(&mut self, path: &RelativePath) -> Result<(), Error> {
        self.step(PLACED, path, |this, _| this.staging.content().rename(path.as_str(), this.target, path.as_str()))
    }

    fn step(
        &mut self,
        tag: &str,
        path: &RelativePath,
        act: impl Fn(&Self, usize) -> io::Result<()>,
    ) -> Result<(), Error> {
        self.journal.append(tag, path).map_err(Error::unpacking(path))?;
        act(self, self.done).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => Error::TargetChanged { path: path.clone() },
            _ => Error::unpacking(path)(source),
        })?;
        self.done += 1;
        Ok(())
    }

    /// Removes permissions of the owner that the archive does not grant: inner folders first, while they are
    /// accessible.
    fn set_late_modes(&self) -> Result<(), Error> {
        let modes = self.staging.take_late_modes().map_err(Error::unpacking(&RelativePath::root()))?;
        for (mode, path) in modes.iter().rev() {
            self.target.set_mode_of_directory(path.as_str(), *mode).map_err(Error::unpacking(path))?;
        }
        Ok(())
    }

    fn roll_back(&mut self) -> Result<(), Error> {
        let steps = self.journal.read().map_err(|source| self.not_restored(&RelativePath::root(), source))?;
        for (number, (tag, path)) in steps.iter().enumerate().take(self.done).rev() {
            let undone = match tag.as_str() {
                PLACED => self.staging.take_aside(self.target, path, number),
                _ => self.staging.put_back(self.target, path, number),
            };
            undone.map_err(|source| self.not_restored(path, source))?;
        }
        Ok(())
    }

    fn not_restored(&self, path: &RelativePath, source: io::Error) -> Error {
        let staging = self.staging.place().to_owned();
        match self.staging.keep() {
            Ok(()) => Error::NotRestored { path: path.clone(), staging, source },
            Err(source) => Error::NotRestored { path: path.clone(), staging, source },
        }
    }
}
