//! Files that are only pointers of Git LFS, the most common way to pack weights that are not there.

use super::suspects::Suspects;
use crate::archive::LayerSource;
use crate::limits;
use crate::relative_path::RelativePath;
use crate::sys;
use crate::upstream::lfs::Pointer;

/// Smaller than any pointer: its `oid` line alone is longer.
const SHORTEST: u64 = 76;

/// Returns the files of a layer that are pointers. Reads only files with the size of one.
pub(crate) fn pointers(source: &LayerSource<'_>, suspects: &Suspects) -> Vec<RelativePath> {
    let pointers = suspects.pointers.iter().filter(|(path, size)| is_pointer(source, path, *size));
    pointers.map(|(path, _)| path.clone()).collect()
}

/// Returns true if a file with `size` bytes may be a pointer.
pub(super) fn has_size_of_pointer(size: u64) -> bool {
    (SHORTEST..=limits::LFS_POINTER_BYTES).contains(&size)
}

/// Returns true if the file `path` with `size` bytes is a pointer. An unreadable file is not one; packing it reports
/// the error.
pub(super) fn is_pointer(source: &LayerSource<'_>, path: &RelativePath, size: u64) -> bool {
    has_size_of_pointer(size)
        && sys::read_regular_text(&path.join_to(source.root), limits::LFS_POINTER_BYTES)
            .is_ok_and(|text| Pointer::parse(&text).is_some())
}
