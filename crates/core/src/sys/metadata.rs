//! The metadata of a file that packing, unpacking and recipes need.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::identity::FileIdentity;

/// The metadata of a file or a folder at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    pub file_type: FileType,
    /// The permission bits, including setuid, setgid and sticky.
    pub mode: u32,
    /// The size in bytes.
    pub size: u64,
    /// The identity, if the platform reports one.
    pub identity: Option<FileIdentity>,
    /// The time of the last change of the content.
    pub modified: Timestamp,
    /// The time of the last change of the content or of the metadata. Programs cannot set it.
    pub changed: Timestamp,
}

/// The kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    /// A regular file.
    File,
    Directory,
    /// A symbolic link.
    Link,
    /// A socket, a FIFO or a device.
    Special,
}

/// A time since 1970; the seconds of an earlier time are negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp {
    pub seconds: i64,
    pub nanoseconds: i64,
}

impl Timestamp {
    /// The current time.
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }
}

impl From<SystemTime> for Timestamp {
    /// A time before 1970 becomes 1970.
    fn from(time: SystemTime) -> Self {
        let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            seconds: i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: i64::from(since_1970.subsec_nanos()),
        }
    }
}

impl Metadata {
    /// Returns the metadata of the open `file`.
    #[cfg(unix)]
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(Self::from(&rustix::fs::fstat(file)?))
    }

    #[cfg(windows)]
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(Self { identity: FileIdentity::of_open(file), ..Self::from(&file.metadata()?) })
    }

    /// Returns the metadata of the file or folder that `path` leads to.
    #[cfg(unix)]
    pub fn at(path: &Path) -> io::Result<Self> {
        Ok(Self::from(&fs_err::metadata(path)?))
    }

    /// Returns the metadata of the file or folder that `path` leads to.
    #[cfg(windows)]
    pub fn at(path: &Path) -> io::Result<Self> {
        use fs_err::os::windows::fs::OpenOptionsExt;
        /// Reading nothing but attributes, also of a folder (`CreateFileW` in the documentation of Windows).
        const READ_ATTRIBUTES: u32 = 0x80;
        const BACKUP_SEMANTICS: u32 = 0x0200_0000;
        let mut options = fs_err::OpenOptions::new();
        options.access_mode(READ_ATTRIBUTES).custom_flags(BACKUP_SEMANTICS);
        Self::of(options.open(path)?.file())
    }

    /// Returns true if both are of one file. Returns false if the platform does not report identities.
    pub fn is_same_file(&self, other: &Self) -> bool {
        self.identity.is_some() && self.identity == other.identity
    }
}

impl From<&std::fs::Metadata> for Metadata {
    fn from(metadata: &std::fs::Metadata) -> Self {
        let (modified, changed) = times_of(metadata);
        Self {
            file_type: metadata.file_type().into(),
            mode: super::permissions::mode_of(metadata),
            size: metadata.len(),
            identity: FileIdentity::of(metadata),
            modified,
            changed,
        }
    }
}

impl From<std::fs::FileType> for FileType {
    fn from(file_type: std::fs::FileType) -> Self {
        match file_type {
            _ if file_type.is_file() => Self::File,
            _ if file_type.is_dir() => Self::Directory,
            _ if file_type.is_symlink() => Self::Link,
            _ => Self::Special,
        }
    }
}

#[cfg(unix)]
fn times_of(metadata: &std::fs::Metadata) -> (Timestamp, Timestamp) {
    use std::os::unix::fs::MetadataExt;
    (
        Timestamp { seconds: metadata.mtime(), nanoseconds: metadata.mtime_nsec() },
        Timestamp { seconds: metadata.ctime(), nanoseconds: metadata.ctime_nsec() },
    )
}

#[cfg(not(unix))]
fn times_of(metadata: &std::fs::Metadata) -> (Timestamp, Timestamp) {
    let modified = metadata.modified().map(Timestamp::from).unwrap_or_default();
    (modified, modified)
}

#[cfg(unix)]
impl From<&rustix::fs::Stat> for Metadata {
    #[allow(clippy::allow_attributes, reason = "which of the casts below do nothing depends on the platform")]
    #[allow(clippy::cast_lossless, clippy::cast_possible_wrap, clippy::cast_sign_loss, clippy::unnecessary_cast)]
    fn from(status: &rustix::fs::Stat) -> Self {
        Self {
            file_type: rustix::fs::FileType::from_raw_mode(status.st_mode).into(),
            mode: status.st_mode as u32 & super::permissions::MODE_BITS,
            size: u64::try_from(status.st_size).unwrap_or_default(),
            identity: Some(FileIdentity { device: status.st_dev as u64, inode: status.st_ino as u64 }),
            modified: Timestamp { seconds: status.st_mtime as i64, nanoseconds: status.st_mtime_nsec as i64 },
            changed: Timestamp { seconds: status.st_ctime as i64, nanoseconds: status.st_ctime_nsec as i64 },
        }
    }
}

#[cfg(unix)]
impl From<rustix::fs::FileType> for FileType {
    fn from(file_type: rustix::fs::FileType) -> Self {
        match file_type {
            rustix::fs::FileType::RegularFile => Self::File,
            rustix::fs::FileType::Directory => Self::Directory,
            rustix::fs::FileType::Symlink => Self::Link,
            _ => Self::Special,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_file_and_its_path_have_the_same_metadata() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), "four").unwrap();
        let opened = Metadata::of(file.as_file()).unwrap();
        let found = Metadata::at(file.path()).unwrap();
        assert_eq!(opened, found);
        assert_eq!((opened.file_type, opened.size), (FileType::File, 4));
    }

    #[test]
    fn files_with_equal_content_are_distinguished() {
        let (one, other) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        let (one, other) = (Metadata::of(&one).unwrap(), Metadata::of(&other).unwrap());
        assert!(one.is_same_file(&one));
        assert!(!one.is_same_file(&other));
        let unknown = Metadata { identity: None, ..one };
        assert!(!unknown.is_same_file(&unknown));
    }
}
