//! Waits for the disk, so that a store is consistent even after a power failure: no file gets its name before its bytes
//! are on the disk.
//!
//! All waiting for the disk and all final names in a store are in this module, except for files that may be lost
//! ([`RememberedLayer`](super::remembered::RememberedLayer)).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tempfile::NamedTempFile;

/// A file whose bytes are written, but may not be on the disk yet.
pub(super) struct Written {
    pub(super) file: NamedTempFile,
    /// The final path of the file.
    pub(super) place: PathBuf,
}

/// Gives all `files` their names when the bytes of all are on the disk.
///
/// The system begins to write the others before this function waits for the first, which should be the largest. A
/// journal can then combine them: for six small files ext4 makes two transactions instead of six.
pub(super) fn place(files: Vec<Written>) -> io::Result<()> {
    for one in files.iter().skip(1) {
        begin_to_write(one.file.as_file());
    }
    for one in &files {
        sync(one.file.as_file())?;
    }
    files.into_iter().try_for_each(|one| persist(one.file, &one.place))
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
    let folder = fs::File::open(folder)?;
    folder.sync_all()?;
    #[cfg(test)]
    log::note_sync(folder.file());
    Ok(())
}

/// Waits until everything in `folder` is on the disk by syncing the whole file system: 100,000 files would take minutes
/// one by one.
#[cfg(target_os = "linux")]
pub(super) fn sync_everything_in(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(fs::File::open(folder)?.file())?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn sync_everything_in(folder: &Path) -> io::Result<()> {
    sync_folder(folder)
}

/// Gives a file that has been [`sync`]ed the name `to`.
pub(super) fn persist(file: NamedTempFile, to: &Path) -> io::Result<()> {
    file.persist(to).map_err(|error| error.error)?;
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

/// Starts writing `file` to the disk without waiting. Linux does so when it is advised to drop the file from memory,
/// because dirty pages cannot be dropped; `PostgreSQL` relies on that, too (`pg_flush_data`). If it does not, the later
/// sync takes longer.
#[cfg(target_os = "linux")]
fn begin_to_write(file: &File) {
    rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed).unwrap_or_default();
}

#[cfg(not(target_os = "linux"))]
fn begin_to_write(_file: &File) {}

/// A log of the events on this thread, for tests, which cannot cut the power.
#[cfg(test)]
pub(super) mod log {
    use std::cell::RefCell;
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    /// Files and folders are identified by their inodes, as names change.
    #[derive(Debug)]
    pub(in crate::store) enum Event {
        Synced(u64),
        Named(u64, PathBuf),
    }

    thread_local! {
        static EVENTS: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
    }

    /// Returns the events since the last call.
    pub(in crate::store) fn take() -> Vec<Event> {
        EVENTS.take()
    }

    pub(super) fn note_sync(file: &File) {
        EVENTS.with_borrow_mut(|events| events.push(Event::Synced(file.metadata().unwrap().ino())));
    }

    pub(super) fn note_name(path: &Path) {
        let inode = fs_err::metadata(path).unwrap().ino();
        EVENTS.with_borrow_mut(|events| events.push(Event::Named(inode, path.to_owned())));
    }
}
