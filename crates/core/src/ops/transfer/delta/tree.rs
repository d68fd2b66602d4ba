//! The files of a folder into which a ModelKit was unpacked.

use std::path::Path;

use fs_err as fs;

use super::patch::REQUEST_BYTES;
use crate::limits;
use crate::ops::files::LocalFile;
use crate::relative_path::RelativePath;
use crate::sys::name_of;

/// A file that is large enough to be useful.
pub(super) struct TreeFile {
    pub(super) path: RelativePath,
    pub(super) size: u64,
    pub(super) content: LocalFile,
}

/// The files in and below `folder`. Links are not followed, and files that cannot be read are omitted.
pub(super) fn files(folder: &Path) -> Vec<TreeFile> {
    let (mut files, mut folders, mut seen) = (Vec::new(), vec![RelativePath::root()], 0);
    while let Some(below) = folders.pop() {
        let Ok(entries) = fs::read_dir(below.join_to(folder)) else { continue };
        for entry in entries.map_while(Result::ok) {
            seen += 1;
            if seen > limits::DELTA_FILES {
                return files;
            }
            let Some(path) = name_of(&entry).and_then(|name| below.child(&name).ok()) else { continue };
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(path),
                Ok(found) if found.is_file() && found.len() > REQUEST_BYTES => {
                    let content = LocalFile(entry.path());
                    files.push(TreeFile { path, size: found.len(), content });
                }
                _ => {}
            }
        }
    }
    files
}
