//! Paths below a directory, as text: normal names joined by `/`, or `.` for the directory itself.

use std::io;

use super::naming::name_problem;

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
        path.split('/').try_for_each(check)?;
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok(Some(Self { parent, name }))
    }

    /// Like [`of`](Self::of), for operations that the directory itself does not have.
    pub(super) fn expect(path: &'a str) -> io::Result<Self> {
        Self::of(path)?.ok_or_else(|| io::ErrorKind::IsADirectory.into())
    }
}

/// Names that the system takes for others, such as those of devices, do not exist; neither do paths with backslashes.
fn check(name: &str) -> io::Result<()> {
    if matches!(name, "" | "." | "..") {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path does not lie below the directory"));
    }
    match name_problem(name) {
        Some(problem) => Err(io::Error::new(io::ErrorKind::NotFound, problem)),
        None => Ok(()),
    }
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
}
