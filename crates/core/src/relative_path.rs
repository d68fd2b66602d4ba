//! Relative paths that cannot lead outside their folder.
//!
//! This module works on text alone; `archive` handles the files on disk.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A relative path of normal components joined by `/`; the folder itself is `.`.
///
/// Paths are normalized lexically as in Go's `path.Clean`: `./a//b/../c/` is `a/c`. Paths that are absolute or lead
/// outside the folder are refused. The order is by component, so that a folder sorts directly before its content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RelativePath(String);

/// The number of bytes that are compared at once.
const BLOCK_BYTES: usize = 64;

impl RelativePath {
    /// The folder itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// Returns true if this is the folder itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path as text, with `.` for the folder itself.
    pub fn as_str(&self) -> &str {
        if self.is_root() { "." } else { &self.0 }
    }

    /// The components of the path; there are none for the folder itself.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// The last component; `None` for the folder itself.
    pub fn file_name(&self) -> Option<&str> {
        self.components().next_back()
    }

    /// The path one level up; `None` for the folder itself.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        Some(Self(self.0.rsplit_once('/').map_or_else(String::new, |(parent, _)| parent.to_owned())))
    }

    /// The parent paths, outermost first, without the folder itself.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> + '_ {
        self.0.match_indices('/').map(|(end, _)| Self(self.0[..end].to_owned()))
    }

    /// The path of the entry `name` in this folder. `name` must be a single normal component.
    pub fn child(&self, name: &str) -> Result<Self, PathEscapes> {
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
            return Err(PathEscapes(name.to_owned()));
        }
        Ok(Self(if self.is_root() { name.to_owned() } else { format!("{}/{name}", self.0) }))
    }

    /// This path below `base`.
    pub fn join_to(&self, base: &Path) -> PathBuf {
        if self.is_root() { base.to_owned() } else { base.join(&self.0) }
    }

    /// Returns true if this is `other` or a path below it, compared by whole components: `data2` does not start with
    /// `data`.
    pub fn starts_with(&self, other: &Self) -> bool {
        match self.0.strip_prefix(&other.0) {
            Some(rest) => other.is_root() || rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }
}

impl Ord for RelativePath {
    /// Compares bytes, of which the slash comes first: that is the order by component, and much quicker for long paths.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let (one, other) = (self.0.as_bytes(), other.0.as_bytes());
        let blocks = one.chunks(BLOCK_BYTES).zip(other.chunks(BLOCK_BYTES));
        let start = blocks.take_while(|(one, other)| one == other).count() * BLOCK_BYTES;
        // The last block may be incomplete.
        let rest = |path: &[u8]| start.min(path.len());
        let rank = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
        one[rest(one)..].iter().map(rank).cmp(other[rest(other)..].iter().map(rank))
    }
}

impl PartialOrd for RelativePath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A path that is absolute, leads outside its folder, or contains characters that file systems do not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the path `{0}` {reason}", reason = self.reason())]
pub struct PathEscapes(pub String);

impl PathEscapes {
    fn reason(&self) -> &'static str {
        if self.0.contains('\0') {
            "contains a NUL character, which file systems do not allow"
        } else {
            "leads outside its folder"
        }
    }
}

impl FromStr for RelativePath {
    type Err = PathEscapes;

    fn from_str(text: &str) -> Result<Self, PathEscapes> {
        let escapes = || PathEscapes(text.to_owned());
        if text.starts_with('/') || text.contains('\0') {
            return Err(escapes());
        }
        let mut names: Vec<&str> = Vec::new();
        for name in text.split('/') {
            match name {
                "" | "." => {}
                ".." => drop(names.pop().ok_or_else(escapes)?),
                name => names.push(name),
            }
        }
        Ok(Self(names.join("/")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn paths_are_ordered_by_component(
            one in "[ab.\u{1}/]{0,6}", other in "[ab.\u{1}/]{0,6}", long in 0..130_usize,
        ) {
            let below = "c".repeat(long);
            let (Ok(one), Ok(other)) = (format!("{below}{one}").parse(), format!("{below}{other}").parse()) else {
                return Ok(());
            };
            let (one, other): (RelativePath, RelativePath) = (one, other);
            proptest::prop_assert_eq!(one.cmp(&other), one.components().cmp(other.components()));
        }
    }

    fn path(text: &str) -> RelativePath {
        text.parse().unwrap()
    }

    #[test]
    fn path_errors_name_the_problem() {
        let error = |text: &str| text.parse::<RelativePath>().unwrap_err().to_string();
        assert_eq!(error("../a"), "the path `../a` leads outside its folder");
        assert_eq!(error("a\0b"), "the path `a\0b` contains a NUL character, which file systems do not allow");
    }

    #[test]
    fn paths_are_cleaned() {
        for (text, clean) in [
            ("a", "a"),
            ("./a", "a"),
            ("a/", "a"),
            ("a//b/./c", "a/b/c"),
            ("a/../b", "b"),
            ("a/b/../..", "."),
            ("", "."),
            (".", "."),
            ("a..b", "a..b"),
            ("...", "..."),
        ] {
            assert_eq!(path(text).as_str(), clean, "{text}");
        }
    }

    #[test]
    fn paths_that_leave_are_refused() {
        for text in ["/", "/a", "..", "../a", "a/../../b", "a/../..", "a\0b"] {
            assert_eq!(text.parse::<RelativePath>(), Err(PathEscapes(text.to_owned())));
        }
    }

    #[test]
    fn starts_with_compares_whole_components() {
        for (inner, outer, expected) in [
            ("a/b", "a", true),
            ("a", "a", true),
            ("a", ".", true),
            (".", ".", true),
            (".", "a", false),
            ("ab", "a", false),
            ("a2/x", "a", false),
        ] {
            assert_eq!(path(inner).starts_with(&path(outer)), expected, "{inner} {outer}");
        }
    }

    #[test]
    fn ancestors_come_outermost_first() {
        let above = |text| path(text).ancestors().map(|path| path.to_string()).collect::<Vec<_>>();
        assert_eq!(above("a/b/c"), ["a", "a/b"]);
        assert!(above("a").is_empty());
    }

    #[test]
    fn a_child_is_one_name() {
        assert_eq!(path("a").child("b"), Ok(path("a/b")));
        assert_eq!(RelativePath::root().child("b"), Ok(path("b")));
        for name in ["", ".", "..", "b/c", "/b"] {
            assert!(path("a").child(name).is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn cleaning_twice_is_cleaning_once(text: String) {
            if let Ok(path) = text.parse::<RelativePath>() {
                assert_eq!(path.as_str().parse(), Ok(path.clone()));
                assert!(path.components().all(|name| name != ".." && name != "."));
            }
        }
    }
}
