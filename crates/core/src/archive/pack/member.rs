//! The files and folders of a layer, and their permission bits.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::relative_path::RelativePath;
use crate::sys::{FileType, Metadata};

/// The source of the permission bits that are packed.
#[derive(Debug, Clone, Default)]
pub enum Modes {
    /// The files themselves.
    #[default]
    OfFiles,
    /// A record of the executable files, for platforms whose files have no permission bits. They get 0755, as do
    /// folders; other files get 0644. These are the bits that git gives a file on other platforms with the usual umask.
    Recorded(Arc<BTreeSet<RelativePath>>),
}

impl Modes {
    fn of(&self, path: &RelativePath, metadata: &Metadata) -> u32 {
        match self {
            Self::OfFiles => metadata.mode,
            Self::Recorded(executables) => {
                let is_executable = metadata.file_type == FileType::Directory || executables.contains(path);
                if is_executable { 0o755 } else { 0o644 }
            }
        }
    }
}

/// A file or folder of a layer, with its metadata.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) path: RelativePath,
    pub(crate) is_directory: bool,
    /// Permission bits including setuid, setgid and sticky.
    pub(crate) mode: u32,
    /// The size in bytes; 0 for a folder.
    pub(crate) size: u64,
    pub(super) metadata: Metadata,
}

impl Member {
    pub(super) fn new(path: RelativePath, metadata: Metadata, modes: &Modes) -> Self {
        let is_directory = metadata.file_type == FileType::Directory;
        let size = if is_directory { 0 } else { metadata.size };
        Self { mode: modes.of(&path, &metadata), path, is_directory, size, metadata }
    }
}
