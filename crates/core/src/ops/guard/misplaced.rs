//! Weights and data in a folder of code or documents, most of which were added after the Kitfile was written: an entry
//! for a folder takes in every file that is saved there later.

use super::names::is_content_name;
use super::suspects::Suspects;
use crate::file_kind::is_archive_file;
use crate::kitfile::Section;
use crate::progress::{Progress, Warning, human};
use crate::relative_path::RelativePath;

/// A file of this size is neither code nor a document, whatever its name is.
const LARGE_BYTES: u64 = 100 * 1024 * 1024;

/// The number of files that the warning names.
const NAMED: usize = 3;

/// Returns true for a file in the folder `layer` of code or documents that looks like weights, data or an archive. A
/// file that is the layer itself was named by the author of the Kitfile.
pub(super) fn is_misplaced(section: Section, path: &RelativePath, size: u64, layer: &RelativePath) -> bool {
    let is_content = |name: &str| is_content_name(name) || is_archive_file(name);
    matches!(section, Section::Code | Section::Docs)
        && path != layer
        && size > 0
        && (size > LARGE_BYTES || path.file_name().is_some_and(is_content))
}

/// Returns the files with their sizes, the largest first, as a warning names them, and the number of the others.
pub(crate) fn misplaced_files(suspects: &Suspects) -> (Vec<String>, usize) {
    let mut files: Vec<_> = suspects.misplaced.iter().collect();
    files.sort_by_key(|(path, size)| (std::cmp::Reverse(*size), path));
    let more = files.len().saturating_sub(NAMED);
    (files.into_iter().take(NAMED).map(|(path, size)| format!("`{path}` ({})", human(*size))).collect(), more)
}

/// Warns of the misplaced files of a layer.
pub(crate) fn warn_of_misplaced(section: Section, layer: &RelativePath, suspects: &Suspects, progress: &dyn Progress) {
    let (files, more) = misplaced_files(suspects);
    if !files.is_empty() {
        let files = files.iter().map(String::as_str).collect();
        progress.warn(&Warning::ContentAmongCode { kind: section.key(), path: layer.as_str(), files, more });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_data_archives_and_large_files_are_misplaced_in_folders_of_code() {
        let check = |section, path: &str, size, layer: &str| {
            is_misplaced(section, &path.parse().unwrap(), size, &layer.parse().unwrap())
        };
        for path in ["a.safetensors", "old/m.PT", "b.csv", "d/x.parquet", "backup.tar.gz", "a.zip", "b.tgz"] {
            assert!(check(Section::Code, path, 1, "."), "{path}");
            assert!(check(Section::Docs, path, 1, "."), "{path}");
            assert!(!check(Section::Code, path, 1, path), "{path} is an entry of its own");
            assert!(!check(Section::Model, path, 1, "."), "{path}");
            assert!(!check(Section::Code, path, 0, "."), "{path} is empty");
        }
        for (path, size, expected) in [("a.py", LARGE_BYTES, false), ("a.py", LARGE_BYTES + 1, true), ("a", 1, false)] {
            assert_eq!(check(Section::Code, path, size, "."), expected, "{path} {size}");
        }
    }
}
