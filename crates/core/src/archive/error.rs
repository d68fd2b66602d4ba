//! What goes wrong between a folder and a layer.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::archive::ignore::IgnoreProblem;
use crate::progress::human;
use crate::relative_path::RelativePath;

/// A failure to read rules, to pack or to unpack.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The `.kitignore` has malformed lines: all of them.
    #[error("invalid .kitignore file: {}", joined(.0))]
    InvalidIgnoreFile(Vec<IgnoreProblem>),

    /// The context folder holds nothing at the path of the layer.
    #[error("path `{path}` does not exist")]
    MissingPath {
        /// The path of the layer.
        path: RelativePath,
    },
    /// A symbolic link leads out of the context folder, and links are not to be followed there.
    #[error("cannot pack `{path}`: it is a symbolic link to `{}`, outside of the context folder", target.display())]
    LinkLeavesContext {
        /// The link.
        path: RelativePath,
        /// What is written in it.
        target: PathBuf,
    },
    /// A symbolic link leads to nothing.
    #[error("cannot pack `{path}`: it is a symbolic link to `{}`, which does not exist", target.display())]
    DanglingLink {
        /// The link.
        path: RelativePath,
        /// What is written in it.
        target: PathBuf,
    },
    /// Following symbolic links, a folder contains itself.
    #[error("cannot pack `{path}`: it is a symbolic link to a folder that contains it")]
    LinkLoop {
        /// Where the folder is met for the second time.
        path: RelativePath,
    },
    /// Neither a file nor a folder, but a socket, a FIFO or a device.
    #[error("cannot pack `{path}`: it is neither a file nor a folder")]
    NotAFile {
        /// What it is called.
        path: RelativePath,
    },
    /// A name that no Kitfile can write and no other system can read.
    #[error("cannot pack `{}`: its name is not UTF-8", path.display())]
    NameNotUtf8 {
        /// The path from the context folder down.
        path: PathBuf,
    },
    /// A file is not as long as it was a moment ago.
    #[error("cannot pack `{path}`: it changed while it was read")]
    FileChanged {
        /// The file.
        path: RelativePath,
    },
    /// The system does not let a file or a folder be read.
    #[error("cannot pack `{path}`")]
    Read {
        /// The file or folder.
        path: RelativePath,
        /// Why.
        source: io::Error,
    },
    /// The layer cannot be written to where it goes.
    #[error("cannot write the layer")]
    WriteLayer {
        /// Why.
        source: io::Error,
    },

    /// The layer cannot be read, or its reader says that it is not what it should be.
    #[error("cannot read the layer")]
    ReadLayer {
        /// Why; perhaps a [`Mismatch`](crate::digest::Mismatch).
        source: io::Error,
    },
    /// The layer is no tar from some point on.
    #[error("malformed layer: {reason}{}", at_member(member))]
    MalformedLayer {
        /// The name of the last member that could be read, empty if there was none.
        member: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A member that must not be unpacked.
    #[error("refused to unpack `{}`: {reason}", member.escape_debug())]
    Refused {
        /// Its name as the layer has it.
        member: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A symbolic link in the target is in the way; writing through it might end anywhere.
    #[error("refused to unpack `{path}`: there is a symbolic link at or above this path")]
    LinkInTarget {
        /// What should have been unpacked.
        path: RelativePath,
    },
    /// The target holds other things where the layers have theirs: all of them, sorted by path.
    #[error("{} there differ from the ModelKit:{}", counted(.0), listed(.0))]
    Conflicts(Vec<Conflict>),
    /// Something appeared in the target, or vanished from it, during the last step.
    #[error("cannot unpack `{path}`: the target was changed by somebody else meanwhile")]
    TargetChanged {
        /// Where.
        path: RelativePath,
    },
    /// The target folder cannot be made, opened or written to.
    #[error("cannot unpack into `{}`", path.display())]
    OpenTarget {
        /// The target.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system does not let a file or folder be compared, written or placed.
    #[error("cannot unpack `{path}`")]
    Unpack {
        /// The file or folder.
        path: RelativePath,
        /// Why.
        source: io::Error,
    },
    /// Placing failed and could not be undone.
    #[error("cannot undo the unpacking of `{path}`; files of the target that are missing now are in `{}`", staging.display())]
    NotRestored {
        /// The first file that could not be brought back.
        path: RelativePath,
        /// Where the files are.
        staging: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// Tells that `path` cannot be packed because of an error of the system.
    pub(super) fn reading(path: &RelativePath) -> impl Fn(io::Error) -> Self {
        |source| Self::Read { path: path.clone(), source }
    }

    /// Tells that `path` cannot be unpacked because of an error of the system.
    pub(super) fn unpacking(path: &RelativePath) -> impl Fn(io::Error) -> Self {
        |source| Self::Unpack { path: path.clone(), source }
    }
}

/// A place of the target that holds something else than what was to be unpacked there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The place.
    pub path: RelativePath,
    /// What it holds.
    pub obstacle: Obstacle,
}

/// What is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// A file with other content; the sizes may be equal.
    OtherContent {
        /// In bytes.
        existing_size: u64,
        /// In bytes.
        new_size: u64,
    },
    /// A folder, socket or the like where a file should be. It is never replaced.
    NotAFile,
    /// A file or the like where a folder should be. It is never replaced.
    NotAFolder,
}

fn counted(conflicts: &[Conflict]) -> String {
    if conflicts.len() == 1 { "1 file".to_owned() } else { format!("{} files", conflicts.len()) }
}

/// A line each.
fn listed(conflicts: &[Conflict]) -> String {
    let lines: Vec<_> =
        conflicts.iter().map(|conflict| format!("\n  {}: {}", conflict.path, conflict.obstacle)).collect();
    lines.concat()
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherContent { existing_size, new_size } if existing_size == new_size => {
                f.write_str("same size, different content")
            }
            Self::OtherContent { existing_size, new_size } => {
                write!(f, "{} here, {} in the ModelKit", human(*existing_size), human(*new_size))
            }
            Self::NotAFile => f.write_str("not a file here"),
            Self::NotAFolder => f.write_str("not a folder here"),
        }
    }
}

fn at_member(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(", at `{}`", name.escape_debug()) }
}

fn joined<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
