//! Waiting for the disk, so that a store is sound even after a power cut: no file has its name before its bytes are there.
//!
//! Nothing else in a store waits, and nothing else gives final names but to what may as well be lost
//! ([`RememberedLayer`](super::remembered::RememberedLayer)).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;
use tempfile::NamedTempFile;

/// A file whose bytes are written and not waited for.
pub(super) struct Written {
    pub(super) file: NamedTempFile,
    /// The name that it gets.
    pub(super) place: PathBuf,
}

/// Gives all `files` their names, when the bytes of all are on the disk.
///
/// The system begins to write the others before the first is waited for, which should be the largest. So a journal takes them
/// together: for six small files ext4 makes two transactions instead of six.
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

/// Waits until all that lies in `folder` is on the disk, by way of the whole file system: 100,000 files would take minutes one by one.
#[cfg(target_os = "linux")]
pub(super) fn sync_everything_in(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(fs::File::open(folder)?.file())?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn sync_everything_in(folder: &Path) -> io::Result<()> {
    sync_folder(folder)
}

/// Gives a file that is [`sync`]ed the name `to`.
pub(super) fn persist(file: NamedTempFile, to: &Path) -> io::Result<()> {
    file.persist(to).map_err(|error| error.error)?;
    #[cfg(test)]
    log::note_name(to);
    Ok(())
}

/// Like [`persist`], for a file or a folder that has another name.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    #[cfg(test)]
    log::note_name(to);
    Ok(())
}

/// What is dirty cannot be dropped from memory, so Linux takes the advice to do so for one to write it, and does not wait; `PostgreSQL`
/// relies on that, too (`pg_flush_data`). If it does not, waiting takes longer.
#[cfg(target_os = "linux")]
fn begin_to_write(file: &File) {
    rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed).unwrap_or_default();
}

#[cfg(not(target_os = "linux"))]
fn begin_to_write(_file: &File) {}

/// What happened on this thread, for tests, which cannot cut the power.
#[cfg(test)]
pub(super) mod log {
    use std::cell::RefCell;
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};

    /// Files and folders are known by their inodes, as names change.
    #[derive(Debug)]
    pub(in crate::store) enum Event {
        Synced(u64),
        Named(u64, PathBuf),
    }

    thread_local! {
        static EVENTS: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
    }

    /// What happened since the last call.
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
