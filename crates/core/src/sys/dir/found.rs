//! The kinds of files at a path below a directory, and the treatment of links.

use crate::sys::FileType;

/// The treatment of a name that is a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Follow,
    /// Does not follow the link: metadata are those of the link itself, and opening it fails.
    Stay,
}

/// The kind of file at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Directory,
    /// A regular file.
    File {
        size: u64,
    },
    /// A socket, a FIFO or a device.
    Special,
    /// The path or something above it is a symbolic link.
    Link,
    /// Something above the path is not a directory.
    BelowFile,
}

impl Found {
    pub(super) fn of(file_type: FileType, size: u64) -> Self {
        match file_type {
            FileType::File => Self::File { size },
            FileType::Directory => Self::Directory,
            FileType::Link => Self::Link,
            FileType::Special => Self::Special,
        }
    }
}
