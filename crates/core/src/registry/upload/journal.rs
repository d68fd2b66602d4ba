//! The persistent state of an upload in progress: the location of its session, and the confirmed bytes.
//!
//! There is one small file per upload, locked while a process works on it. It contains no credentials, but a location
//! may work without any, so only the user may read it. A journal is optional: if it is missing or damaged, the upload
//! starts again.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err as fs;
use serde::{Deserialize, Serialize};
use tracing::debug;

use crate::digest::Digest;
use crate::sys;

/// The lifetime of a journal. Docker's registry purges uploads after a week, others sooner.
const LONGEST_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The journal of one upload, locked by this process.
pub(super) struct Journal {
    file: fs::File,
    path: PathBuf,
}

/// The content of a journal.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Repository and digest.
    upload: String,
    pub(super) location: String,
    /// The number of bytes that the registry had confirmed.
    pub(super) acknowledged: u64,
}

impl Journal {
    /// Opens the journal of `upload` in `folder`. Returns `None` while another process works on the same upload.
    pub(super) fn open(folder: &Path, upload: &str) -> Option<Self> {
        let path = folder.join(Digest::of(upload.as_bytes()).hex());
        let opened = fs::create_dir_all(folder).and_then(|()| sys::open_private(&path));
        let file = opened.inspect_err(|error| debug!(%error, "this upload has no journal")).ok()?;
        file.file().try_lock().ok()?;
        sweep(folder, &path);
        Some(Self { file, path })
    }

    /// Reads the entry of an earlier process, if it is about `upload`.
    pub(super) fn read(&mut self, upload: &str) -> Option<Entry> {
        let mut text = String::new();
        self.file.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok().filter(|entry: &Entry| entry.upload == upload)
    }

    /// Replaces the content of the journal.
    pub(super) fn note(&mut self, upload: &str, location: &str, acknowledged: u64) {
        let entry = Entry { upload: upload.to_owned(), location: location.to_owned(), acknowledged };
        let text = serde_json::to_vec(&entry).expect("an entry is two strings and a number");
        let mut write = || {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&text)?;
            self.file.set_len(text.len() as u64)
        };
        if let Err(error) = write() {
            debug!(%error, "the journal of the upload cannot be written");
        }
    }

    /// Removes the journal of a finished upload.
    pub(super) fn close(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            debug!(%error, "the journal of the upload cannot be removed");
        }
    }
}

/// Removes journals of sessions that have expired on every registry.
fn sweep(folder: &Path, ours: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| entry.path() != ours) {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        if modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|age| age > LONGEST_LIFE)) {
            // Another process may have removed it already.
            drop(fs::remove_file(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_by_the_next_process_that_opens_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), "a@b").unwrap();
        assert_eq!(journal.read("a@b"), None);
        journal.note("a@b", "http://a/long/location", 1);
        journal.note("a@b", "http://a/short", 22);
        assert!(Journal::open(folder.path(), "a@b").is_none(), "it is locked");
        drop(journal);
        let mut journal = Journal::open(folder.path(), "a@b").unwrap();
        let expected = Entry { upload: "a@b".to_owned(), location: "http://a/short".to_owned(), acknowledged: 22 };
        assert_eq!(journal.read("a@b"), Some(expected));
        journal.close();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_invalid_journal_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), "a").unwrap();
        journal.note("a", "http://a", 1);
        drop(journal);
        let path = folder.path().join(Digest::of(b"a").hex());
        fs::copy(&path, folder.path().join(Digest::of(b"b").hex())).unwrap();
        assert_eq!(Journal::open(folder.path(), "b").unwrap().read("b"), None, "it is about another upload");
        fs::write(&path, "{\"upload\":\"a\",").unwrap();
        assert_eq!(Journal::open(folder.path(), "a").unwrap().read("a"), None);
    }

    #[test]
    fn without_a_folder_there_is_no_journal() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(Journal::open(&folder.path().join("file"), "a").is_none());
    }
}
