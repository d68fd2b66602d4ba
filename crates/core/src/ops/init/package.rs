//! The name and the author of a package whose files contain neither.

use std::path::Path;

use super::hub_cache::CachedSnapshot;
use crate::git;
use crate::kitfile::Kitfile;
use crate::sys::real_path;

/// Fills in the name of the folder, and the user of git as the author. A snapshot in the cache of the Hugging Face hub
/// gets the name and the owner of its repository instead.
///
/// Skills and documents alone are described by their front matter, as in KitOps.
pub fn describe_package(folder: &Path, kitfile: &mut Kitfile) {
    if kitfile.model.is_none() && kitfile.code.is_empty() && kitfile.datasets.is_empty() {
        return;
    }
    let package = &mut kitfile.package;
    // So that `.` has a name. A folder that cannot be resolved has no default name.
    let folder = real_path(folder).unwrap_or_else(|_| folder.to_owned());
    if let Some(snapshot) = CachedSnapshot::of(&folder) {
        snapshot.describe(package);
        return;
    }
    if package.name.is_empty() {
        package.name.extend(folder.file_name().and_then(|name| name.to_str()));
    }
    if package.authors.is_empty() {
        package.authors.extend(git::user_name(&folder));
    }
}
