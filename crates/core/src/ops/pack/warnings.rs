//! Warnings before a folder is packed.

use crate::kitfile::Kitfile;
use crate::ops::remote_data;
use crate::progress::{Progress, Warning};
use crate::relative_path::RelativePath;

/// Warns of remote datasets, and if there is nothing to pack at `paths`.
pub(super) fn warn_of_what_is_not_packed(kitfile: &Kitfile, paths: &[RelativePath], progress: &dyn Progress) {
    if paths.is_empty() {
        progress.warn(&Warning::NoLayers);
    }
    for dataset in kitfile.remote_datasets() {
        let (name, address) = (&dataset.name, &remote_data::address(dataset));
        progress.warn(&Warning::RemoteDatasetNotPacked { name, address });
    }
}

/// The number of names that a warning lists.
const NAMED: usize = 5;

/// Warns of files in the folder that no layer contains.
pub(super) fn warn_of_what_is_in_no_layer(found: &[RelativePath], progress: &dyn Progress) {
    if !found.is_empty() {
        let paths = found.iter().take(NAMED).map(RelativePath::as_str).collect();
        progress.warn(&Warning::FilesNotPacked { paths, more: found.len().saturating_sub(NAMED) });
    }
}
