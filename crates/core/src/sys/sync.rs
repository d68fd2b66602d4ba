//! Waiting for the disk beyond a single file, which [`File::sync_data`] does.

use std::fs::File;
use std::io;
use std::path::Path;

/// Waits until the names in `folder` are on the disk.
#[cfg(unix)]
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    fs_err::File::open(folder)?.sync_all()
}

/// Does nothing: the standard library cannot open a folder, and NTFS logs changes of names itself.
#[cfg(not(unix))]
pub fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Waits until everything in `folder` is on the disk by syncing the whole file system: 100,000 files would take minutes
/// one by one.
#[cfg(target_os = "linux")]
pub fn sync_tree(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(fs_err::File::open(folder)?.file())?)
}

/// Waits for the names only: the platform cannot sync one file system.
#[cfg(not(target_os = "linux"))]
pub fn sync_tree(folder: &Path) -> io::Result<()> {
    sync_folder(folder)
}

/// The number of files from which the whole file system is synced: each sync of a file may be a flush of the disk,
/// which takes up to 10 ms. Other platforms cannot do that.
const MANY_FILES: usize = if cfg!(target_os = "linux") { 32 } else { usize::MAX };

/// Waits until the bytes of all `files`, which are in `folder`, are on the disk.
pub fn sync_files(files: &[&File], folder: &Path) -> io::Result<()> {
    if files.len() > MANY_FILES {
        return sync_tree(folder);
    }
    files.iter().try_for_each(|file| file.sync_data())
}

/// Starts writing `file` to the disk without waiting. Linux does so when it is advised to drop the file from memory,
/// because dirty pages cannot be dropped; `PostgreSQL` relies on that, too (`pg_flush_data`). If it does not, the later
/// sync takes longer.
#[cfg(target_os = "linux")]
pub fn begin_to_write(file: &File) {
    rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed).unwrap_or_default();
}

/// Does nothing: the later sync takes longer.
#[cfg(not(target_os = "linux"))]
pub fn begin_to_write(_file: &File) {}
