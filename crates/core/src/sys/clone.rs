//! Clones of files: other files with the same content, which take no space until one of the two is written to.

use std::fs::{File, Metadata};
use std::io;

use super::identity::FileIdentity;

/// Makes `target`, an empty file, a clone of `source`, and returns false if the file system cannot do that. On macOS,
/// `target` is another file at the same path afterwards.
#[cfg(target_os = "linux")]
pub fn clone_whole(source: &File, target: &mut File) -> io::Result<bool> {
    use rustix::io::Errno;
    match rustix::fs::ioctl_ficlone(&*target, source) {
        Ok(()) => Ok(true),
        // ioctl_ficlone(2): the errors of file systems and kernels that do not clone, or not between these two files.
        Err(Errno::OPNOTSUPP | Errno::XDEV | Errno::INVAL | Errno::NOTTY | Errno::NOSYS | Errno::PERM) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Replaces `target`, an empty file, by a clone of `source`, and returns false if the file system cannot do that. The
/// clone has the path and the permissions of `target`, and is open for reading only.
///
/// `clonefile(2)` only creates files, so the clone is made beside the target and renamed.
#[cfg(target_vendor = "apple")]
pub fn clone_whole(source: &File, target: &mut File) -> io::Result<bool> {
    use rustix::fs::{CWD, CloneFlags, fclonefileat};
    use rustix::io::Errno;
    use std::os::unix::ffi::OsStringExt;
    let path = rustix::fs::getpath(&*target)?.into_bytes();
    let beside: std::path::PathBuf = std::ffi::OsString::from_vec([&*path, b".clone"].concat()).into();
    let path: std::path::PathBuf = std::ffi::OsString::from_vec(path).into();
    // A clone that root makes would otherwise belong to the owner of the source, who could write to it.
    match fclonefileat(source, CWD, &beside, CloneFlags::NOOWNERCOPY) {
        Ok(()) => {}
        // The errors of file systems that do not clone, or not between these two files.
        Err(Errno::NOTSUP | Errno::XDEV | Errno::INVAL | Errno::NOSYS) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    let replaced = target.metadata().and_then(|metadata| {
        let clone = fs_err::File::open(&beside)?.into_file();
        clone.set_permissions(metadata.permissions())?;
        fs_err::rename(&beside, &path)?;
        Ok(clone)
    });
    match replaced {
        Ok(clone) => *target = clone,
        Err(error) => {
            fs_err::remove_file(&beside)?;
            return Err(error);
        }
    }
    Ok(true)
}

/// Returns false: the platform does not clone files.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
pub fn clone_whole(_source: &File, _target: &mut File) -> io::Result<bool> {
    Ok(false)
}

/// Returns the number of the device on which the file is, if the platform reports it. Only files on one device can be
/// clones of each other.
pub fn device_of(metadata: &Metadata) -> Option<u64> {
    FileIdentity::of(metadata).map(|identity| identity.device)
}
