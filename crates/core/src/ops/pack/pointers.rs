//! Files that are only pointers of Git LFS, the most common way to pack weights that are not there.

use fs_err as fs;

use crate::archive::{LayerSource, Measured};
use crate::limits;
use crate::ops::error::Error;
use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;
use crate::sys;
use crate::upstream::lfs::Pointer;

/// Smaller than any pointer: its `oid` line alone is longer.
const SHORTEST: u64 = 76;

/// Warns of pointers in a layer. Does not look into layers with many files, which would take as long as packing them.
pub(super) fn warn_of_pointers(
    source: &LayerSource<'_>,
    measured: &Measured,
    progress: &dyn Progress,
) -> Result<(), Error> {
    const MOST_FILES: u64 = 10_000;
    if measured.files <= MOST_FILES
        && let [first, others @ ..] = &*pointers(source)?
    {
        progress.warn(&Warning::OnlyPointers { path: first.as_str(), more: others.len() });
    }
    Ok(())
}

/// Returns the files of a layer that are pointers. Reads only files with the size of one.
pub(crate) fn pointers(source: &LayerSource<'_>) -> Result<Vec<RelativePath>, Error> {
    let mut files = source.files()?;
    files.retain(|file| is_pointer(source, file));
    Ok(files)
}

/// An unreadable file is not a pointer; packing it reports the error.
fn is_pointer(source: &LayerSource<'_>, file: &RelativePath) -> bool {
    let place = file.join_to(source.root);
    let may_be =
        fs::metadata(&place).is_ok_and(|metadata| (SHORTEST..=limits::LFS_POINTER_BYTES).contains(&metadata.len()));
    let text = || sys::read_regular_text(&place, limits::LFS_POINTER_BYTES);
    may_be && text().is_ok_and(|text| Pointer::parse(&text).is_some())
}
