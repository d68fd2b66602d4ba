//! What the file system says of all files of a layer, in one digest: as long as that is the same, so are the bytes.

use std::time::{Duration, SystemTime};

use rustix::fs::Stat;

use super::walk::Member;
use crate::digest::{Digest, Hasher};

/// How much older than a look at them all files must be for a later change to show: the coarsest times that a file system in
/// use keeps are those of FAT, 2 s. The same care as git's for "racily clean" entries (git, racy-git.adoc).
const SETTLING: Duration = Duration::from_secs(2);

/// The state of the files of a layer at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Of paths, kinds, modes, devices and inodes, and of the sizes and times of files.
    pub digest: Digest,
    newest: SystemTime,
}

impl Fingerprint {
    /// Whether every change of a file after `moment`, when nothing had been looked at yet, gives another fingerprint.
    ///
    /// A file that had changed just before could change again within one tick of the file system's clock, unnoticed.
    pub fn is_settled(&self, moment: SystemTime) -> bool {
        moment.duration_since(self.newest).is_ok_and(|age| age > SETTLING)
    }
}

/// Takes one member after the other.
pub(super) struct Fingerprinter {
    hasher: Hasher,
    newest: SystemTime,
}

impl Fingerprinter {
    pub(super) fn new() -> Self {
        Self { hasher: Hasher::default(), newest: SystemTime::UNIX_EPOCH }
    }

    /// The times of a folder do not count: they change with files that are not packed, and its content shows by itself.
    pub(super) fn add(&mut self, member: &Member) {
        let status = &member.status;
        self.hasher.update(member.path.as_str().as_bytes());
        self.hasher.update(&[0, u8::from(member.is_directory)]);
        self.hasher.update(&member.mode.to_le_bytes());
        self.hasher.update(&status.st_dev.to_le_bytes());
        self.hasher.update(&status.st_ino.to_le_bytes());
        if member.is_directory {
            return;
        }
        self.hasher.update(&member.size.to_le_bytes());
        self.hasher.update(&status.st_mtime.to_le_bytes());
        self.hasher.update(&status.st_mtime_nsec.to_le_bytes());
        self.hasher.update(&status.st_ctime.to_le_bytes());
        self.hasher.update(&status.st_ctime_nsec.to_le_bytes());
        // Only the kernel sets this time, so a file from the future by its modification time is no obstacle.
        self.newest = self.newest.max(change_time(status));
    }

    pub(super) fn finish(self) -> Fingerprint {
        Fingerprint { digest: self.hasher.finish(), newest: self.newest }
    }
}

/// A time before 1970 counts as 1970.
fn change_time(status: &Stat) -> SystemTime {
    let seconds = u64::try_from(status.st_ctime).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::new(seconds, u32::try_from(status.st_ctime_nsec).unwrap_or_default())
}
