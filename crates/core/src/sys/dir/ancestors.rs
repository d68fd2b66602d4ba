//! A directory with those above it.

use std::io;

use super::Dir;

impl Dir {
    /// Creates the directory `path` and the missing directories above it.
    pub fn create_directories(&self, path: &str, mode: u32) -> io::Result<()> {
        for directory in with_ancestors(path) {
            match self.create_directory(directory, mode) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => result?,
            }
        }
        Ok(())
    }
}

/// Returns the paths from the outermost directory above `path` to `path` itself.
fn with_ancestors(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
    ends.map(|end| &path[..end]).filter(|path| *path != ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestors_come_outermost_first() {
        assert_eq!(with_ancestors("a/b/c").collect::<Vec<_>>(), ["a", "a/b", "a/b/c"]);
        assert_eq!(with_ancestors(".").count(), 0);
    }
}
