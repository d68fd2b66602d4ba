//! Arguments that name a folder, or a ModelKit if there is no such folder.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::kitfile::{KitfileText, find_kitfile};
use kit_core::oci::Reference;
use kit_core::ops::{self, PackOptions, Reading, Session};

/// Returns true if `text` is a path and cannot be a reference.
pub(crate) fn is_path(text: &str) -> bool {
    text.starts_with(['.', '/']) || Path::new(text).is_absolute()
}

/// Returns true if a ModelKit with the name `text` is in the local store.
pub(crate) fn is_local(session: &Session<'_>, text: &str) -> bool {
    text.parse::<Reference>().is_ok_and(|name| ops::find_here(&session.store, &name).is_ok())
}

/// Returns true if `text` is the folder `path`. One without a Kitfile cannot be packed, so a local ModelKit of this
/// name comes first.
pub(crate) fn is_folder(session: &Session<'_>, text: &str, path: &Path) -> bool {
    path.is_dir() && (is_path(text) || find_kitfile(path, path).is_ok() || !is_local(session, text))
}

/// The options with which a folder, which the user wrote as `given`, would be packed if all of its files were read.
pub(crate) fn packing(folder: PathBuf, given: &Path) -> Result<PackOptions> {
    let kitfile = KitfileText::of_folder(&folder, given)?.parse()?;
    Ok(PackOptions { reading: Reading::Everything, ..PackOptions::new(folder, kitfile) })
}
