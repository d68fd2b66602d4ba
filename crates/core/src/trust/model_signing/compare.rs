//! The comparison of a folder with a statement.

use std::collections::BTreeMap;

use super::statement::{ModelStatement, SignedFile};
use crate::digest::Digest;
use crate::relative_path::RelativePath;

/// Something in a folder that is not a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// The path in the folder.
    pub path: RelativePath,
    /// The kind.
    pub kind: FoundKind,
}

/// The kind of something in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundKind {
    /// A regular file with its size in bytes.
    File(u64),
    /// A symbolic link. Links to folders are not followed.
    Link,
    /// A device, a pipe or a socket.
    Special,
}

/// The treatment of files that the statement does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnsignedFiles {
    /// They are differences, unless the statement ignores them.
    #[default]
    Refused,
    /// They are ignored.
    Ignored,
}

/// A difference between a folder and a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileDifference {
    /// A listed file that the folder does not have.
    Missing,
    /// A listed file with other content.
    Differs,
    /// A file that is not listed.
    Unsigned,
    /// A symbolic link, which the statement does not allow.
    Link,
    /// A listed file, or one that is not listed, that is neither a file nor a link.
    NotAFile,
}

impl FileDifference {
    /// The word for the difference in a table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Differs => "differs",
            Self::Unsigned => "unsigned",
            Self::Link => "symbolic link",
            Self::NotAFile => "not a file",
        }
    }
}

/// The result of comparing names, and the files whose content has to be compared.
#[derive(Debug)]
pub struct Comparison<'s> {
    /// The differences that the names show.
    pub differences: Vec<(RelativePath, FileDifference)>,
    /// The files that are in the folder and in the statement.
    pub to_read: Vec<(&'s RelativePath, &'s SignedFile)>,
}

impl ModelStatement {
    /// Compares the names of everything that was `found` in a folder, except for directories, with the statement.
    /// Files at or below `own`, such as the signature itself, do not have to be listed.
    pub fn compare_names(&self, found: &[FoundFile], own: &[RelativePath], unsigned: UnsignedFiles) -> Comparison<'_> {
        let by_path: BTreeMap<_, _> = found.iter().map(|found| (&found.path, found.kind)).collect();
        let mut comparison = Comparison { differences: Vec::new(), to_read: Vec::new() };
        for (path, file) in &self.files {
            let difference = match by_path.get(path) {
                None => Some(FileDifference::Missing),
                Some(FoundKind::Special) => Some(FileDifference::NotAFile),
                Some(FoundKind::Link) if !self.allows_links => Some(FileDifference::Link),
                Some(FoundKind::Link | FoundKind::File(_)) => None,
            };
            match difference {
                Some(difference) => comparison.differences.push((path.clone(), difference)),
                None => comparison.to_read.push((path, file)),
            }
        }
        if unsigned == UnsignedFiles::Refused {
            let others = by_path.iter().filter(|(path, _)| !self.files.contains_key(**path));
            let others = others.filter(|(path, _)| !self.ignores(path) && !super::statement::is_below(path, own));
            let others = others.filter_map(|(path, kind)| Some(((*path).clone(), self.of_unlisted(*kind)?)));
            comparison.differences.extend(others);
        }
        comparison
    }

    /// Compares the statement with the SHA-256 digests of the files of a ModelKit. Returns `None` if the statement has
    /// other digests.
    pub fn compare_digests(
        &self,
        files: &BTreeMap<RelativePath, Digest>,
    ) -> Option<Vec<(RelativePath, FileDifference)>> {
        let mut differences = Vec::new();
        for (path, signed) in &self.files {
            let signed = signed.sha256()?;
            let difference = match files.get(path) {
                None => Some(FileDifference::Missing),
                Some(found) => (*found != signed).then_some(FileDifference::Differs),
            };
            differences.extend(difference.map(|difference| (path.clone(), difference)));
        }
        let unsigned = files.keys().filter(|path| !self.files.contains_key(*path) && !self.ignores(path));
        differences.extend(unsigned.map(|path| (path.clone(), FileDifference::Unsigned)));
        differences.sort();
        Some(differences)
    }

    fn of_unlisted(&self, kind: FoundKind) -> Option<FileDifference> {
        match kind {
            FoundKind::File(0) if !self.covers_empty_files() => None,
            FoundKind::File(_) => Some(FileDifference::Unsigned),
            FoundKind::Link if self.allows_links => Some(FileDifference::Unsigned),
            FoundKind::Link => Some(FileDifference::Link),
            FoundKind::Special => Some(FileDifference::NotAFile),
        }
    }
}
