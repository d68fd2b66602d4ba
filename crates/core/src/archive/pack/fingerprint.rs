//! A digest over the metadata of all files of a layer: while it stays the same, so do the bytes.

use std::time::{Duration, SystemTime};

use super::member::Member;
use crate::digest::{Digest, Hasher};
use crate::sys::Timestamp;

/// The minimum age of all files at the time of the check for a later change to be detected: the coarsest time stamps of
/// a file system in use are those of FAT, 2 s. The same precaution as git's for "racily clean" entries (git,
/// racy-git.adoc).
const SETTLING: Duration = Duration::from_secs(2);

/// The state of the files of a layer at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// The digest of paths, kinds, modes, devices and inodes, and of the sizes and times of files.
    pub digest: Digest,
    newest: SystemTime,
}

impl Fingerprint {
    /// Returns true if every change of a file after `moment`, which must be before the first file was checked, results
    /// in another fingerprint.
    ///
    /// A file that changed just before `moment` could change again within one tick of the file system's clock without
    /// being detected.
    pub fn is_settled(&self, moment: SystemTime) -> bool {
        moment.duration_since(self.newest).is_ok_and(|age| age > SETTLING)
    }
}

/// Adds one member after another.
pub(super) struct Fingerprinter {
    hasher: Hasher,
    newest: SystemTime,
}

impl Fingerprinter {
    pub(super) fn new() -> Self {
        Self { hasher: Hasher::default(), newest: SystemTime::UNIX_EPOCH }
    }

    /// Adds a member. The times of a folder are not included: they change with files that are not packed, and its
    /// packed files are included themselves.
    pub(super) fn add(&mut self, member: &Member) {
        let metadata = &member.metadata;
        self.hasher.update(member.path.as_str().as_bytes());
        self.hasher.update(&[0, u8::from(member.is_directory)]);
        self.hasher.update(&member.mode.to_le_bytes());
        if let Some(identity) = metadata.identity {
            self.hasher.update(&identity.device.to_le_bytes());
            self.hasher.update(&identity.inode.to_le_bytes());
        }
        if member.is_directory {
            return;
        }
        self.hasher.update(&member.size.to_le_bytes());
        for time in [metadata.modified, metadata.changed] {
            self.hasher.update(&time.seconds.to_le_bytes());
            self.hasher.update(&time.nanoseconds.to_le_bytes());
        }
        // Only the kernel sets this time, so a file whose modification time is in the future is not a problem.
        self.newest = self.newest.max(system_time(metadata.changed));
    }

    pub(super) fn finish(self) -> Fingerprint {
        Fingerprint { digest: self.hasher.finish(), newest: self.newest }
    }
}

/// Converts a time; one before 1970 is treated as 1970.
fn system_time(time: Timestamp) -> SystemTime {
    let seconds = u64::try_from(time.seconds).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::new(seconds, u32::try_from(time.nanoseconds).unwrap_or_default())
}
