//! Files that are only pointers of Git LFS, the most common way to pack weights that are not there.

use crate::archive::LayerSource;
use crate::limits;
use crate::ops::error::Error;
use crate::relative_path::RelativePath;
use crate::sys;
use crate::upstream::lfs::Pointer;

/// Smaller than any pointer: its `oid` line alone is longer.
const SHORTEST: u64 = 76;

/// Returns the files of a layer that are pointers. Reads only files with the size of one.
pub(crate) fn pointers(source: &LayerSource<'_>) -> Result<Vec<RelativePath>, Error> {
    let mut found = Vec::new();
    source.visit_files(&mut |path, size| {
        if is_pointer(source, path, size) {
            found.push(path.clone());
        }
    })?;
    Ok(found)
}

/// Returns true if the file `path` with `size` bytes is a pointer. An unreadable file is not one; packing it reports
/// the error.
pub(super) fn is_pointer(source: &LayerSource<'_>, path: &RelativePath, size: u64) -> bool {
    (SHORTEST..=limits::LFS_POINTER_BYTES).contains(&size)
        && sys::read_regular_text(&path.join_to(source.root), limits::LFS_POINTER_BYTES)
            .is_ok_and(|text| Pointer::parse(&text).is_some())
}
