//! Waiting for the disk.
//!
//! On macOS a sync only hands the bytes to the disk, which may keep them in a cache for a while (`fsync(2)`).
//! [`flush_disk`] empties the cache, which takes much longer, and is the difference that `--sync` makes there. The
//! functions of the standard library always empty it, so nothing else calls them.

use std::fs::File;
use std::io;
use std::path::Path;

/// Waits until the bytes of `file` are on the disk.
#[cfg(not(target_vendor = "apple"))]
#[expect(clippy::disallowed_methods, reason = "this is the function to call instead")]
pub fn sync_file(file: &File) -> io::Result<()> {
    file.sync_data()
}

#[cfg(target_vendor = "apple")]
pub fn sync_file(file: &File) -> io::Result<()> {
    Ok(rustix::io::retry_on_intr(|| rustix::fs::fsync(file))?)
}

/// Waits until the names in `folder` are on the disk.
#[cfg(unix)]
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    sync_file(fs_err::File::open(folder)?.file())
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

/// Waits until everything in `folder` is on the disk, one file after the other: the platform cannot sync one file
/// system.
#[cfg(not(target_os = "linux"))]
pub fn sync_tree(folder: &Path) -> io::Result<()> {
    sync_each_in(folder)
}

#[cfg(any(test, not(target_os = "linux")))]
fn sync_each_in(folder: &Path) -> io::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let file_type = entry.file_type()?;
        if file_type.is_dir() {
            sync_each_in(&entry.path())?;
        } else if file_type.is_file() {
            // Windows syncs only what is open for writing.
            let opened = fs_err::OpenOptions::new().read(true).write(cfg!(windows)).open(entry.path());
            match opened {
                // A file that this user may not open is not one that this process has written.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                opened => sync_file(opened?.file())?,
            }
        }
    }
    sync_folder(folder)
}

/// Waits until the disk of the file or folder `path` has stored everything that it has received. To be called when all
/// of it has been synced.
#[cfg(target_vendor = "apple")]
pub fn flush_disk(path: &Path) -> io::Result<()> {
    use rustix::io::Errno;
    let file = fs_err::File::open(path)?;
    match rustix::io::retry_on_intr(|| rustix::fs::fcntl_fullfsync(&file)) {
        // Network file systems and others that do not support it: a sync is all that they can do.
        Err(Errno::NOTSUP | Errno::OPNOTSUPP | Errno::NOTTY | Errno::INVAL) => Ok(()),
        flushed => Ok(flushed?),
    }
}

/// Does nothing: a sync includes it.
#[cfg(not(target_vendor = "apple"))]
pub fn flush_disk(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// The number of files from which the whole file system is synced: each sync of a file may be a flush of the disk,
/// which takes up to 10 ms.
const MANY_FILES: usize = 32;

/// Waits until the bytes of all `files`, which are in `folder`, are on the disk.
pub fn sync_files(files: &[&File], folder: &Path) -> io::Result<()> {
    // Other platforms would sync everything in the folder, file by file.
    if cfg!(target_os = "linux") && files.len() > MANY_FILES {
        return sync_tree(folder);
    }
    files.iter().try_for_each(|file| sync_file(file))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_synced_file_by_file_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        fs_err::create_dir_all(&below).unwrap();
        fs_err::write(below.join("file"), "x").unwrap();
        #[cfg(unix)]
        fs_err::os::unix::fs::symlink("/missing", below.join("link")).unwrap();
        sync_each_in(folder.path()).unwrap();
        flush_disk(folder.path()).unwrap();
        assert_eq!(sync_each_in(&below.join("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
