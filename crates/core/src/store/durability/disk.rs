//! Waits for the disk, and gives files their names.
//!
//! All waiting for the disk and all final names in a store are in this module, except for files that may be lost
//! ([`RememberedLayer`](crate::store::RememberedLayer)).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub(in crate::store) use crate::sys::sync_tree;
use crate::sys::{self, TemporaryFile};

/// A file whose bytes are written, but may not be on the disk yet.
pub(in crate::store) struct Written {
    pub(in crate::store) file: TemporaryFile,
    /// The final path of the file.
    pub(in crate::store) place: PathBuf,
}

/// Gives all `files`, which are in `folder`, their names when the bytes of all are on the disk.
///
/// The system begins to write the others before this function waits for the first, which should be the largest. A
/// journal can then combine them: for six small files ext4 makes two transactions instead of six.
pub(super) fn place(files: Vec<Written>, folder: &Path) -> io::Result<()> {
    for one in files.iter().skip(1) {
        sys::begin_to_write(one.file.as_file());
    }
    sync_all(&files.iter().map(|one| one.file.as_file()).collect::<Vec<_>>(), folder)?;
    files.into_iter().try_for_each(|one| persist(one.file, &one.place))
}

/// Waits until the bytes of all `files`, which are in `folder`, are on the disk.
pub(super) fn sync_all(files: &[&File], folder: &Path) -> io::Result<()> {
    sys::sync_files(files, folder)?;
    #[cfg(test)]
    for file in files {
        log::note_sync(file);
    }
    Ok(())
}

/// Returns a function that adds `folder` to an error of writing to an open file in it.
pub(in crate::store) fn naming(folder: &Path) -> impl Fn(io::Error) -> io::Error {
    |error| io::Error::new(error.kind(), format!("failed to write to a file in `{}`: {error}", folder.display()))
}

/// Waits until the bytes of `file` are on the disk.
pub(in crate::store) fn sync(file: &File) -> io::Result<()> {
    sys::sync_file(file)?;
    #[cfg(test)]
    log::note_sync(file);
    Ok(())
}

/// Waits until the names in `folder` are on the disk.
pub(in crate::store) fn sync_folder(folder: &Path) -> io::Result<()> {
    sys::sync_folder(folder)?;
    #[cfg(test)]
    log::note_folder_sync(folder);
    Ok(())
}

/// Gives a file that has been [`sync`]ed, or that is pending, the name `to`.
pub(in crate::store) fn persist(file: TemporaryFile, to: &Path) -> io::Result<()> {
    file.persist(to)?;
    #[cfg(test)]
    log::note_name(to);
    Ok(())
}

/// Like [`persist`], for a file or a folder that already has a name.
pub(in crate::store) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    sys::rename(from, to)?;
    #[cfg(test)]
    log::note_name(to);
    Ok(())
}

/// Ends that a file is pending: it and its name are on the disk.
pub(super) fn clear_mark(file: &File) -> io::Result<()> {
    sys::clear_mark(file)?;
    #[cfg(test)]
    log::note_mark(file);
    Ok(())
}

/// A log of the events on this thread, for tests, which cannot cut the power.
#[cfg(test)]
pub(in crate::store) mod log {
    use std::cell::RefCell;
    use std::fs::File;
    use std::path::{Path, PathBuf};

    use crate::sys::{self, FileIdentity, Metadata};

    /// Files and folders are identified by their inodes, as names change.
    #[derive(Debug)]
    pub(in crate::store) enum Event {
        Synced(FileIdentity),
        Named(Snapshot, PathBuf),
        /// The mark of a pending file was removed.
        Unmarked(FileIdentity),
        Removed(PathBuf),
    }

    /// A file or a folder at the moment when it gets a name.
    #[derive(Debug, Clone)]
    pub(in crate::store) struct Snapshot {
        pub(in crate::store) identity: FileIdentity,
        /// Empty for a folder.
        pub(in crate::store) content: Vec<u8>,
        pub(in crate::store) is_pending: bool,
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
        Metadata::at(path).unwrap().identity.unwrap()
    }

    pub(super) fn note_sync(file: &File) {
        note(Event::Synced(Metadata::of(file).unwrap().identity.unwrap()));
    }

    pub(super) fn note_folder_sync(folder: &Path) {
        note(Event::Synced(identity(folder)));
    }

    pub(super) fn note_name(path: &Path) {
        let is_pending = sys::is_marked(&fs_err::metadata(path).unwrap());
        let content = if path.is_file() { fs_err::read(path).unwrap() } else { Vec::new() };
        note(Event::Named(Snapshot { identity: identity(path), content, is_pending }, path.to_owned()));
    }

    pub(super) fn note_mark(file: &File) {
        note(Event::Unmarked(Metadata::of(file).unwrap().identity.unwrap()));
    }

    pub(in crate::store) fn note_removal(path: &Path) {
        note(Event::Removed(path.to_owned()));
    }

    fn note(event: Event) {
        EVENTS.with_borrow_mut(|events| events.push(event));
    }
}
