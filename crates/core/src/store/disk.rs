//! Waits for the disk, so that a store is consistent even after a power failure: no file gets its name before its bytes
//! are on the disk.
//!
//! All waiting for the disk and all final names in a store are in this module, except for files that may be lost
//! ([`RememberedLayer`](super::remembered::RememberedLayer)).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

pub(super) use crate::sys::sync_tree;
use crate::sys::{self, TemporaryFile};

/// A file whose bytes are written, but may not be on the disk yet.
pub(super) struct Written {
    pub(super) file: TemporaryFile,
    /// The final path of the file.
    pub(super) place: PathBuf,
}

/// Gives all `files` their names when the bytes of all are on the disk.
///
/// The system begins to write the others before this function waits for the first, which should be the largest. A
/// journal can then combine them: for six small files ext4 makes two transactions instead of six.
pub(super) fn place(files: Vec<Written>) -> io::Result<()> {
    for one in files.iter().skip(1) {
        sys::begin_to_write(one.file.as_file());
    }
    for one in &files {
        sync(one.file.as_file())?;
    }
    files.into_iter().try_for_each(|one| persist(one.file, &one.place))
}

/// Returns a function that adds `folder` to an error of writing to an open file in it.
pub(super) fn naming(folder: &Path) -> impl Fn(io::Error) -> io::Error {
    |error| io::Error::new(error.kind(), format!("failed to write to a file in `{}`: {error}", folder.display()))
}

/// Waits until the bytes of `file` are on the disk.
pub(super) fn sync(file: &File) -> io::Result<()> {
    file.sync_data()?;
    #[cfg(test)]
    log::note_sync(file);
    Ok(())
}

/// Waits until the names in `folder` are on the disk.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    sys::sync_folder(folder)?;
    #[cfg(test)]
    log::note_folder_sync(folder);
    Ok(())
}

/// Gives a file that has been [`sync`]ed the name `to`.
pub(super) fn persist(file: TemporaryFile, to: &Path) -> io::Result<()> {
    file.persist(to)?;
    #[cfg(test)]
    log::note_name(to);
    Ok(())
}

/// Like [`persist`], for a file or a folder that already has a name.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    #[cfg(test)]
    log::note_name(to);
    Ok(())
}

/// A log of the events on this thread, for tests, which cannot cut the power.
#[cfg(test)]
pub(super) mod log {
    use std::cell::RefCell;
    use std::fs::File;
    use std::path::{Path, PathBuf};

    use crate::sys::{FileIdentity, Metadata};

    /// Files and folders are identified by their inodes, as names change.
    #[derive(Debug)]
    pub(in crate::store) enum Event {
        Synced(FileIdentity),
        Named(FileIdentity, PathBuf),
    }

    thread_local! {
        static EVENTS: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
    }

    /// Returns the events since the last call.
    pub(in crate::store) fn take() -> Vec<Event> {
        EVENTS.take()
    }

    /// Returns the identity of the file or folder at `path`.
    pub(in crate::store) fn identity(path: &Path) -> FileIdentity {
        Metadata::from(&fs_err::metadata(path).unwrap()).identity.unwrap()
    }

    pub(super) fn note_sync(file: &File) {
        note(Event::Synced(Metadata::of(file).unwrap().identity.unwrap()));
    }

    pub(super) fn note_folder_sync(folder: &Path) {
        note(Event::Synced(identity(folder)));
    }

    pub(super) fn note_name(path: &Path) {
        note(Event::Named(identity(path), path.to_owned()));
    }

    fn note(event: Event) {
        EVENTS.with_borrow_mut(|events| events.push(event));
    }
}
