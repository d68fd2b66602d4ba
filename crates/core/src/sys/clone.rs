//! Clones of files: other files with the same content, which take no space until one of the two is written to.

use std::fs::{File, Metadata};
use std::io;

use super::identity::FileIdentity;

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

/// Returns false: the platform cannot make an existing file a clone.
#[cfg(not(target_os = "linux"))]
pub fn clone_whole(_source: &File, _target: &File) -> io::Result<bool> {
    Ok(false)
}

/// Returns the number of the device on which the file is, if the platform reports it. Only files on one device can be
/// clones of each other.
pub fn device_of(metadata: &Metadata) -> Option<u64> {
    FileIdentity::of(metadata).map(|identity| identity.device)
}
