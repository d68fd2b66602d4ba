//! Finds files and folders of the context that no entry of the Kitfile covers.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use fs_err as fs;

use crate::archive::IgnoreRules;
use crate::progress::{Paths, Progress, Warning};
use crate::relative_path::RelativePath;
use crate::sys::name_of;

/// Returns the outermost files and folders that are neither in a layer nor ignored, sorted. Hidden ones do not count:
/// they usually belong to other tools.
///
/// The cost is one listing of each folder that has a layer below it, however large the context is.
pub(crate) fn uncovered(
    context: &Path,
    layers: &[RelativePath],
    ignore: &IgnoreRules,
) -> io::Result<Vec<RelativePath>> {
    if layers.iter().any(RelativePath::is_root) {
        return Ok(Vec::new());
    }
    let above: BTreeSet<RelativePath> = layers.iter().flat_map(RelativePath::ancestors).collect();
    let mut found = Vec::new();
    for folder in above.iter().chain([&RelativePath::root()]) {
        let Ok(entries) = fs::read_dir(folder.join_to(context)) else { continue };
        for entry in entries {
            let Some(path) = name_of(&entry?).and_then(|name| folder.child(&name).ok()) else { continue };
            let is_hidden = path.file_name().is_some_and(|name| name.starts_with('.'));
            let is_covered = above.contains(&path) || layers.iter().any(|layer| path.starts_with(layer));
            let is_left_out = || ignore.leaves_out(&RelativePath::root(), &path, Some(context));
            if !is_hidden && !is_covered && !ignore.is_ignored(&path) && !is_left_out() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The number of names that a warning lists.
const NAMED: usize = 5;

/// Warns of files that are in no layer.
pub(super) fn warn_of_uncovered(found: &[RelativePath], progress: &dyn Progress) {
    if !found.is_empty() {
        let paths = found.iter().take(NAMED).map(RelativePath::as_str).collect();
        progress.warn(&Warning::FilesNotPacked(Paths { paths, more: found.len().saturating_sub(NAMED) }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_in_no_layer_are_found() {
        let context = tempfile::tempdir().unwrap();
        for path in ["Kitfile", ".git/x", "a/b/c", "a/left", "b", "b2", "tmp/x", "d/e"] {
            let path = context.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let layers = ["a/b", "b", "d", "missing/x"].map(|path| path.parse().unwrap());
        let ignore = IgnoreRules::parse("tmp\n").unwrap();
        let found = uncovered(context.path(), &layers, &ignore).unwrap();
        assert_eq!(found.iter().map(RelativePath::as_str).collect::<Vec<_>>(), ["a/left", "b2"]);
        assert!(uncovered(context.path(), &[RelativePath::root()], &ignore).unwrap().is_empty());
    }
}
