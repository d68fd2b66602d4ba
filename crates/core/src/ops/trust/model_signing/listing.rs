//! Listing everything in a folder that a signature has to cover.

use std::path::Path;

use fs_err as fs;

use super::error::FolderError;
use crate::relative_path::RelativePath;
use crate::sys::name_of;
use crate::trust::{FoundFile, FoundKind};

/// Lists the files, links and other entries below `folder`, except for those that `skip` names, in the order of their
/// paths. Links are not followed. A folder that is skipped is not opened.
pub(super) fn list(folder: &Path, skip: &dyn Fn(&RelativePath) -> bool) -> Result<Vec<FoundFile>, FolderError> {
    if !fs::metadata(folder)?.is_dir() {
        return Err(FolderError::NotAFolder(folder.to_owned()));
    }
    let mut found = Vec::new();
    let mut folders = vec![RelativePath::root()];
    while let Some(path) = folders.pop() {
        for entry in fs::read_dir(path.join_to(folder))? {
            let entry = entry?;
            let child = name_of(&entry).and_then(|name| path.child(&name).ok());
            let child = child.ok_or_else(|| FolderError::NotUtf8(entry.path()))?;
            if skip(&child) {
                continue;
            }
            let metadata = fs::symlink_metadata(entry.path())?;
            if metadata.is_dir() {
                folders.push(child);
                continue;
            }
            let kind = if metadata.is_file() {
                FoundKind::File(metadata.len())
            } else if metadata.is_symlink() {
                FoundKind::Link
            } else {
                FoundKind::Special
            };
            found.push(FoundFile { path: child, kind });
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}
