//! Paths below a directory, as text: normal names joined by `/`, or `.` for the directory itself.

use std::io;

/// A name in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// The path of the directory; empty for the one that paths are relative to.
    pub(super) parent: &'a str,
    pub(super) name: &'a str,
}

impl<'a> Entry<'a> {
    /// Splits `path`. `None` stands for the directory itself. A path that could lead elsewhere is an error.
    pub(super) fn of(path: &'a str) -> io::Result<Option<Self>> {
        if path == "." {
            return Ok(None);
        }
        if !path.split('/').all(is_normal) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path does not lie below the directory"));
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok(Some(Self { parent, name }))
    }

    /// Like [`of`](Self::of), for operations that the directory itself does not have.
    pub(super) fn expect(path: &'a str) -> io::Result<Self> {
        Self::of(path)?.ok_or_else(|| io::ErrorKind::IsADirectory.into())
    }
}

/// Returns the paths from the outermost directory above `path` to `path` itself.
pub(super) fn with_ancestors(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
    ends.map(|end| &path[..end]).filter(|path| *path != ".")
}

#[cfg(unix)]
fn is_normal(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
}

/// Also refuses names that the system takes for others: with backslashes, drives, streams and devices.
#[cfg(not(unix))]
fn is_normal(name: &str) -> bool {
    use std::path::{Component, Path};
    let mut components = Path::new(name).components();
    let first = components.next();
    matches!(first, Some(Component::Normal(one)) if one == name)
        && components.next().is_none()
        && super::naming::name_problem(name).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_into_directory_and_name() {
        let check = |path, parent, name| assert_eq!(Entry::of(path).unwrap(), Some(Entry { parent, name }));
        check("a", "", "a");
        check("a/b", "a", "b");
        check("a/b/..c", "a/b", "..c");
        assert_eq!(Entry::of(".").unwrap(), None);
        assert_eq!(Entry::expect(".").unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }

    #[test]
    fn paths_that_could_lead_elsewhere_are_refused() {
        for path in ["", "/", "/a", "..", "../a", "a/..", "a/../b", "a/", "a//b", "./a", "a/."] {
            assert!(Entry::of(path).is_err(), "{path}");
        }
    }

    #[test]
    fn ancestors_come_outermost_first() {
        assert_eq!(with_ancestors("a/b/c").collect::<Vec<_>>(), ["a", "a/b", "a/b/c"]);
        assert_eq!(with_ancestors(".").count(), 0);
    }
}
