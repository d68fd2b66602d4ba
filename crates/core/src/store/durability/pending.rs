//! The records of pending files: empty files under `.kit/pending`, each named by a run of the system and the file.
//!
//! A record states that a file was written in a run, which is of no interest in any other. If one is missing, the file
//! is checked; there is no other loss.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use fs_err as fs;

use crate::store::collect::{files, remove_if_there};
use crate::store::layout::Store;

/// The name of the index in records, that of its file as for blobs.
pub(super) const INDEX: &str = "index.json";

/// The separator between the run, which contains `-`, and the name of the file.
const SEPARATOR: char = '.';

impl Store {
    /// Records that the file `name` is written in `run`, before it is.
    pub(super) fn record_pending(&self, run: &str, name: &str) -> io::Result<()> {
        fs::create_dir_all(self.pending())?;
        fs::write(self.pending_record(run, name), b"")
    }

    /// Returns true if the file `name` was written in this run of the system.
    pub(super) fn is_of_this_run(&self, name: &str) -> bool {
        let run = self.durability().run.as_deref();
        run.is_some_and(|run| self.pending_record(run, name).is_file())
    }

    /// Removes the record that the file `name` was written in this run.
    pub(super) fn forget_pending(&self, name: &str) -> io::Result<()> {
        match &self.durability().run {
            Some(run) => remove_if_there(&self.pending_record(run, name)),
            None => Ok(()),
        }
    }

    /// Returns the files that were written in this run at least `age` ago, and removes the records of other runs.
    pub(super) fn pending_for(&self, age: Duration) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for (record, metadata) in files(&self.pending())? {
            match record.split_once(SEPARATOR) {
                Some((run, name)) if self.durability().run.as_deref() == Some(run) => {
                    let written = metadata.modified()?;
                    // A time in the future is the result of a clock that was set.
                    let is_old = SystemTime::now().duration_since(written).is_ok_and(|passed| passed >= age);
                    if is_old || age.is_zero() {
                        names.push(name.to_owned());
                    }
                }
                _ => remove_if_there(&self.pending().join(record))?,
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn pending(&self) -> PathBuf {
        self.private("pending")
    }

    fn pending_record(&self, run: &str, name: &str) -> PathBuf {
        self.pending().join(format!("{run}{SEPARATOR}{name}"))
    }
}
