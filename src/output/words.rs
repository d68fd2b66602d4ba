//! Counts and paths in messages.

use std::path::{Component, Path, PathBuf};

/// A count with its noun: `1 file`, `2 files`.
pub(crate) fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A path as the user gave it, without repeated slashes and without `.` in it, such as `./p//.`.
pub(crate) fn tidy(path: &Path) -> String {
    path.components().collect::<PathBuf>().display().to_string()
}

/// The path of the file `name` in `folder`, which is as the user gave it.
pub(crate) fn tidy_in(folder: &Path, name: impl AsRef<Path>) -> String {
    let is_current = folder.components().eq([Component::CurDir]);
    if is_current { name.as_ref().display().to_string() } else { tidy(&folder.join(name)) }
}

/// An absolute path without `..` in it. It is for messages only: beyond a symbolic link it would be another path.
pub(crate) fn plain(path: &Path) -> String {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            component => plain.push(component),
        }
    }
    plain.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_agree_with_their_count() {
        let shown: Vec<_> = [0_u64, 1, 2].iter().map(|count| counted(*count, "file")).collect();
        assert_eq!(shown, ["0 files", "1 file", "2 files"]);
    }

    /// The path as this platform writes it.
    fn native(path: &str) -> String {
        path.replace('/', std::path::MAIN_SEPARATOR_STR)
    }

    #[test]
    fn files_are_shown_in_the_folder_that_was_given() {
        for (folder, shown) in [(".", "Kitfile"), ("./", "Kitfile"), ("p/.", "p/Kitfile"), ("/p", "/p/Kitfile")] {
            assert_eq!(tidy_in(Path::new(folder), "Kitfile"), native(shown));
        }
    }

    #[test]
    fn absolute_paths_are_shown_without_detours() {
        for (given, shown) in [("/a/../b/./c", "/b/c"), ("/..", "/"), ("/a", "/a")] {
            assert_eq!(plain(Path::new(given)), native(shown), "{given}");
        }
    }

    #[test]
    fn paths_are_shown_as_given_without_empty_parts() {
        for (given, shown) in [
            (".", "."),
            ("./", "."),
            ("./p/.", "./p"),
            ("p//q/", "p/q"),
            ("/p/./q", "/p/q"),
            ("../p", "../p"),
            ("-", "-"),
        ] {
            assert_eq!(tidy(Path::new(given)), native(shown), "{given}");
        }
    }
}
