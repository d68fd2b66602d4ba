//! Paths that the file system of the target takes for the same: `README` and `readme` on Windows and macOS.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::relative_path::RelativePath;
use crate::sys::Folding;

/// The paths of a run, if the file system ignores differences between them; otherwise nothing.
///
/// Each path takes two hashes, as in [`Received`](super::ledger::Received).
#[derive(Debug)]
pub(super) struct Spellings {
    folding: Folding,
    key: RandomState,
    /// The hashes of paths in their common spelling, with those in their own spelling.
    seen: HashMap<u64, u64>,
}

impl Spellings {
    pub(super) fn new(folding: Folding) -> Self {
        Self { folding, key: RandomState::new(), seen: HashMap::new() }
    }

    /// Adds `path` and the folders above it. Returns the first of them that the file system takes for another one.
    pub(super) fn add(&mut self, path: &RelativePath) -> Result<(), RelativePath> {
        if self.folding.is_none() {
            return Ok(());
        }
        for path in path.ancestors().chain([path.clone()]) {
            let (common, own) = (self.common(&path), self.key.hash_one(&path));
            if *self.seen.entry(common).or_insert(own) != own {
                return Err(path);
            }
        }
        Ok(())
    }

    fn common(&self, path: &RelativePath) -> u64 {
        let names: Vec<_> = path.components().map(|name| self.folding.common(name)).collect();
        self.key.hash_one(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds `paths` one after another, and returns what is refused.
    fn refused(case: bool, form: bool, paths: &[&str]) -> Vec<String> {
        let mut spellings = Spellings::new(Folding { case, form });
        let add = |path: &&str| spellings.add(&path.parse().unwrap()).err().map(|path| path.to_string());
        paths.iter().filter_map(add).collect()
    }

    #[test]
    fn the_second_spelling_of_a_path_is_refused() {
        let paths = ["README", "data/a", "data/b", "readme", "Data/c", "data/A/x", "data/b", "é", "e\u{301}"];
        assert!(refused(false, false, &paths).is_empty());
        assert_eq!(refused(true, false, &paths), ["readme", "Data", "data/A"]);
        assert_eq!(refused(true, true, &paths), ["readme", "Data", "data/A", "e\u{301}"]);
    }
}
