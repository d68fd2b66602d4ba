//! Writing past the page cache, and reserving disk space.

use std::fs::File;
use std::io;

/// Reserves `bytes` of disk space after `offset`, the end of `file`. A file system that cannot reserve space is not an
/// error: a later write may fail.
#[cfg(target_os = "linux")]
pub(super) fn reserve(file: &File, offset: u64, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, StatVfs, fallocate, fstatvfs};
    use rustix::io::Errno;
    // A size from an untrusted source must not fill the disk even for a moment, as ext4 does when it tries. A file that
    // is not on a disk reports no blocks.
    let is_too_small = |disk: StatVfs| disk.f_blocks > 0 && disk.f_bavail.saturating_mul(disk.f_frsize) < bytes;
    if fstatvfs(file).is_ok_and(is_too_small) {
        return Err(Errno::NOSPC.into());
    }
    match fallocate(file, FallocateFlags::KEEP_SIZE, offset, bytes) {
        Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => {
            file.set_len(offset)?;
            Err(error.into())
        }
        _ => Ok(()),
    }
}

/// Does nothing: a later write may fail.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "on Linux the disk may be full")]
pub(super) fn reserve(_file: &File, _offset: u64, _bytes: u64) -> io::Result<()> {
    Ok(())
}

/// Turns direct writing on or off. Returns false if the file system refuses.
#[cfg(target_os = "linux")]
pub(super) fn set_direct(file: &File, direct: bool) -> bool {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let flags = fcntl_getfl(file).map(|flags| if direct { flags | OFlags::DIRECT } else { flags - OFlags::DIRECT });
    flags.and_then(|flags| fcntl_setfl(file, flags)).is_ok()
}

/// Returns false: blocks are written through the page cache.
#[cfg(not(target_os = "linux"))]
pub(super) fn set_direct(_file: &File, _direct: bool) -> bool {
    false
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direct_writing_can_be_turned_off_again() {
        use rustix::fs::{OFlags, fcntl_getfl};
        let file = tempfile::tempfile().unwrap();
        let is_direct = || fcntl_getfl(&file).unwrap().contains(OFlags::DIRECT);
        assert_eq!(set_direct(&file, true), is_direct());
        set_direct(&file, false);
        assert!(!is_direct());
    }
}
