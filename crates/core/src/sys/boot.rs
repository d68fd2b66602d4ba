//! Facts for durability without waiting: the run of the system, and file systems that only this system writes.

use std::path::Path;

/// Returns the identity of this run of the system: it changes when the machine restarts, for whatever reason. `None` if
/// the platform does not report one.
///
/// Linux makes a random UUID at each start (`random(4)`, `/proc/sys/kernel/random/boot_id`). Containers see that of
/// their host.
#[cfg(target_os = "linux")]
pub fn boot_identity() -> Option<String> {
    let identity = fs_err::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let is_uuid = |text: &str| text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    Some(identity.trim().to_owned()).filter(|identity| is_uuid(identity))
}

#[cfg(not(target_os = "linux"))]
pub fn boot_identity() -> Option<String> {
    None
}

/// Returns true if only a crash of this machine can lose what was written to a file in `folder`: the file system is a
/// local one. Another machine may write a network file system, and restarts at other times.
#[cfg(target_os = "linux")]
#[allow(clippy::allow_attributes, reason = "the casts below depend on the platform")]
#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation, clippy::unnecessary_cast)]
pub fn is_on_local_disk(folder: &Path) -> bool {
    // statfs(2): ext2 to ext4, XFS, Btrfs, F2FS, tmpfs, overlayfs; OpenZFS and bcachefs by their sources.
    const LOCAL: [u32; 8] =
        [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1, 0xCA45_1A4E];
    rustix::fs::statfs(folder).is_ok_and(|found| LOCAL.contains(&(found.f_type as u32)))
}

#[cfg(not(target_os = "linux"))]
pub fn is_on_local_disk(_folder: &Path) -> bool {
    false
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_stays_the_same_during_a_run() {
        assert!(boot_identity().is_some());
        assert_eq!(boot_identity(), boot_identity());
    }

    #[test]
    fn virtual_and_missing_folders_are_not_on_a_disk() {
        assert!(!is_on_local_disk(Path::new("/proc")));
        assert!(!is_on_local_disk(Path::new("/missing")));
    }
}
