//! Clones of files: other files with the same content, which take no space until one of the two is written to.

use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use fs_err::os::unix::fs::OpenOptionsExt;

use super::segment::clone_path;

/// A folder of clones, each named by its number.
pub(super) struct Clones {
    folder: PathBuf,
    made: u64,
    /// The devices whose files cannot be cloned into the folder.
    refusing: HashSet<u64>,
}

impl Clones {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, made: 0, refusing: HashSet::new() }
    }

    /// Returns the path of the first clone, if one was made.
    pub(super) fn first(&self) -> Option<PathBuf> {
        (self.made > 0).then(|| clone_path(&self.folder, 0))
    }

    /// Clones the whole `file`, if its file system can do that, and returns the number of the clone and the clone.
    pub(super) fn take(&mut self, file: &File, metadata: &Metadata) -> io::Result<Option<(u64, File)>> {
        if self.refusing.contains(&metadata.dev()) {
            return Ok(None);
        }
        let number = self.made;
        let path = clone_path(&self.folder, number);
        let clone = fs_err::OpenOptions::new().read(true).write(true).create_new(true).mode(READ_ONLY).open(&path)?;
        let clone = clone.into_file();
        if clone_whole(file, &clone)? {
            self.made += 1;
            return Ok(Some((number, clone)));
        }
        self.refusing.insert(metadata.dev());
        fs_err::remove_file(&path)?;
        Ok(None)
    }
}

/// The mode of clones, which must not be written to by mistake.
const READ_ONLY: u32 = 0o444;

/// Makes `target`, an empty file, a clone of `source`, and returns false if the file system cannot do that.
#[cfg(target_os = "linux")]
pub fn clone_whole(source: &File, target: &File) -> io::Result<bool> {
    use rustix::io::Errno;
    match rustix::fs::ioctl_ficlone(target, source) {
        Ok(()) => Ok(true),
        // ioctl_ficlone(2): the errors of file systems and kernels that do not clone, or not between these two files.
        Err(Errno::OPNOTSUPP | Errno::XDEV | Errno::INVAL | Errno::NOTTY | Errno::NOSYS | Errno::PERM) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
pub fn clone_whole(_source: &File, _target: &File) -> io::Result<bool> {
    Ok(false)
}
