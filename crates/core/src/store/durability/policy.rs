//! The choice between waiting for the disk and marking files as pending.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::disk::{self, Written};
use crate::digest::Digest;
use crate::store::layout::{Store, TEMPORARY_PREFIX};
use crate::sys::{self, TemporaryFile};

/// The durability of a store, shared by its clones.
#[derive(Debug, Clone)]
pub(in crate::store) struct Durability {
    wait: Wait,
    /// The identity of this run of the system.
    pub(super) run: Option<Arc<str>>,
    /// The pending blobs that this process has compared with their digests: true if they were equal.
    pub(super) verdicts: Arc<Mutex<HashMap<Digest, bool>>>,
    /// True once this process has reported what a crash took from the index.
    pub(super) has_reported: Arc<AtomicBool>,
}

/// The moment when a command waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Wait {
    /// Never, if the platform and the file system permit that.
    Never,
    /// Before it changes the index: the blobs are pending until then, and waited for together.
    BeforeIndex,
    /// Before each blob gets its name: no file is ever pending.
    EachBlob,
}

impl Default for Durability {
    fn default() -> Self {
        let run = sys::boot_identity().map(Into::into);
        Self { wait: Wait::Never, run, verdicts: Arc::default(), has_reported: Arc::default() }
    }
}

impl Durability {
    /// The same with another moment of waiting.
    pub(in crate::store) fn waiting(&self, wait: Wait) -> Self {
        Self { wait, ..self.clone() }
    }

    /// Returns true if the user wants every command to wait.
    pub(in crate::store) fn waits(&self) -> bool {
        self.wait != Wait::Never
    }

    /// The identity of this run of the system, if it reports one.
    pub(in crate::store) fn run(&self) -> Option<&str> {
        self.run.as_deref()
    }

    /// The same in another run of the system.
    #[cfg(test)]
    pub(in crate::store) fn in_run(run: &str) -> Self {
        Self { run: Some(run.into()), ..Self::default() }
    }
}

impl Store {
    /// Returns the identity of this run, if the index may be pending after this command.
    pub(super) fn run_without_waiting(&self) -> Option<&str> {
        self.run_with_pending_blobs().filter(|_| !self.durability().waits())
    }

    /// Returns the identity of this run, if new blobs may be pending.
    fn run_with_pending_blobs(&self) -> Option<&str> {
        let Durability { wait, run, .. } = self.durability();
        let run = run.as_deref().filter(|_| *wait != Wait::EachBlob)?;
        sys::is_on_local_disk(self.root()).then_some(run)
    }

    /// Waits until the disk has stored what was synced, if the user wants this command to wait.
    pub(super) fn flush_disk(&self) -> io::Result<()> {
        if self.durability().wait == Wait::BeforeIndex { sys::flush_disk(self.root()) } else { Ok(()) }
    }

    /// Creates a temporary file that is pending from the beginning, unless each blob is waited for.
    pub(in crate::store) fn pending_file(&self) -> io::Result<TemporaryFile> {
        let mark = if self.run_with_pending_blobs().is_some() { sys::MARK } else { 0 };
        TemporaryFile::create(&self.ingest(), TEMPORARY_PREFIX, 0o644 | mark)
    }

    /// Opens or creates the file of a partial download. A new one is pending, unless each blob is waited for.
    pub(in crate::store) fn open_partial(&self, path: &Path) -> io::Result<fs_err::File> {
        match self.run_with_pending_blobs() {
            Some(_) => sys::open_marked_lock_file(path),
            None => sys::open_lock_file(path),
        }
    }

    /// Gives all `files`, which are blobs, their names. Those that are not pending are waited for.
    pub(in crate::store) fn place(&self, files: Vec<Written>) -> io::Result<()> {
        let mut waited_for = Vec::new();
        for one in files {
            if self.may_stay_pending(one.file.as_file(), &one.place)? {
                disk::persist(one.file, &one.place)?;
            } else {
                waited_for.push(one);
            }
        }
        disk::place(waited_for, &self.ingest())
    }

    /// Gives the blob `from`, an open file that already has a name, the name `to`. If it is not pending, it is waited
    /// for.
    pub(in crate::store) fn rename_blob(&self, file: &fs_err::File, to: &Path) -> io::Result<()> {
        let from = file.path();
        if !self.may_stay_pending(file.file(), to)? {
            disk::sync(file.file())?;
            // The file of an interrupted command that did not wait.
            sys::clear_mark(file.file())?;
        }
        disk::rename(from, to)
    }

    /// Returns true if `file` need not be waited for before it gets the name `to`, and records that.
    pub(super) fn may_stay_pending(&self, file: &std::fs::File, to: &Path) -> io::Result<bool> {
        let Some(run) = self.run_with_pending_blobs() else { return Ok(false) };
        if !sys::is_marked(&file.metadata()?) {
            return Ok(false);
        }
        let name = to.file_name().unwrap_or_default().to_string_lossy();
        self.record_pending(run, &name)?;
        Ok(true)
    }
}
