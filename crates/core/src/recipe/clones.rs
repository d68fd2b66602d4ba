//! Clones of files: other files with the same content, which take no space until one of the two is written to.

use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::io;
use std::path::PathBuf;

use super::segment::clone_path;
use crate::sys::{clone_whole, create_read_only, device_of};

/// A folder of clones, each named by its number.
pub(super) struct Clones {
    folder: PathBuf,
    made: u64,
    /// The devices whose files cannot be cloned into the folder.
    refusing: HashSet<Option<u64>>,
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
        let device = device_of(metadata);
        if self.refusing.contains(&device) {
            return Ok(None);
        }
        let number = self.made;
        let path = clone_path(&self.folder, number);
        let mut clone = create_read_only(&path)?.into_file();
        if clone_whole(file, &mut clone)? {
            self.made += 1;
            return Ok(Some((number, clone)));
        }
        self.refusing.insert(device);
        fs_err::remove_file(&path)?;
        Ok(None)
    }
}
