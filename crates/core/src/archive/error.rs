//! The errors of packing and unpacking.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::archive::ignore::IgnoreProblem;
use crate::archive::unpack::Danger;
use crate::problem::printable;
use crate::progress::human;
use crate::relative_path::RelativePath;

/// An error of reading ignore rules, of packing or of unpacking.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The `.kitignore` has malformed lines; contains all of them.
    #[error("invalid .kitignore file: {}", joined(.0))]
    InvalidIgnoreFile(Vec<IgnoreProblem>),
    /// The `.kitignore` has so many patterns with wildcards that comparing them with each file would take too long.
    #[error("the .kitignore has {found} patterns with wildcards, more than the limit of {limit}")]
    TooManyPatterns {
        /// The number of patterns.
        found: usize,
        /// The highest number.
        limit: usize,
    },

    /// The context folder contains nothing at the path of the layer.
    #[error("path `{path}` does not exist")]
    MissingPath {
        /// The path of the layer.
        path: RelativePath,
        /// A sentence about what is probably meant.
        advice: Option<String>,
    },
    /// A symbolic link leads out of the context folder, where links must not be followed.
    #[error("cannot read `{path}`: it is a symbolic link to `{}`, outside of the context folder", target.display())]
    LinkLeavesContext {
        /// The link.
        path: RelativePath,
        /// The target of the link.
        target: PathBuf,
    },
    /// A symbolic link leads to a path that does not exist.
    #[error("cannot read `{path}`: it is a symbolic link to `{}`, which does not exist", target.display())]
    DanglingLink {
        /// The link.
        path: RelativePath,
        /// The target of the link.
        target: PathBuf,
    },
    /// A symbolic link makes a folder contain itself.
    #[error("cannot read `{path}`: it is a symbolic link to a folder that contains it")]
    LinkLoop {
        /// The path at which the folder occurs for the second time.
        path: RelativePath,
    },
    /// A socket, a FIFO or a device: neither a file nor a folder.
    #[error("cannot pack `{path}`: it is neither a file nor a folder")]
    NotAFile {
        /// The path of the special file.
        path: RelativePath,
    },
    /// A name that is not UTF-8, which a Kitfile cannot contain and other systems cannot read.
    #[error("cannot pack `{}`: its name is not UTF-8", path.display())]
    NameNotUtf8 {
        /// The path below the context folder.
        path: PathBuf,
    },
    /// A path that no file system takes: no program could unpack it.
    #[error(
        "cannot pack `{}…`: its path has {length} bytes, and paths with more than {limit} cannot be unpacked",
        beginning(path)
    )]
    PathTooLong {
        /// The file or folder.
        path: RelativePath,
        /// The length of the path in bytes.
        length: usize,
        /// The maximum length in bytes.
        limit: usize,
    },
    /// A file changed while it was read.
    #[error("cannot pack `{path}`: it changed while it was read")]
    FileChanged {
        /// The file.
        path: RelativePath,
    },
    /// A file or a folder cannot be read.
    #[error("cannot pack `{path}`")]
    Read {
        /// The file or folder.
        path: RelativePath,
        /// The error of the system.
        source: io::Error,
    },
    /// The layer cannot be written to its sink.
    #[error("cannot write the layer")]
    WriteLayer {
        /// The error of the sink.
        source: io::Error,
    },

    /// The layer cannot be read, or its reader found that it is damaged.
    #[error("cannot read the layer")]
    ReadLayer {
        /// The error of the reader, which may be a [`Mismatch`](crate::digest::Mismatch).
        source: io::Error,
    },
    /// The layer is not a valid tar from some position on.
    #[error("malformed layer: {reason}{}", at_member(member))]
    MalformedLayer {
        /// The name of the last member that could be read; empty if there was none.
        member: String,
        /// The problem.
        reason: &'static str,
    },
    /// A member that must not be unpacked.
    #[error("refused to unpack `{}`: {reason}", member.escape_debug())]
    Refused {
        /// Its name in the layer.
        member: String,
        /// The problem.
        reason: &'static str,
    },
    /// A path that another program would execute or trust, or that is reserved for temporary files.
    #[error("refused to unpack `{path}`: {danger}")]
    UnsafePath {
        /// The path below the target.
        path: RelativePath,
        /// The reason.
        danger: Danger,
    },
    /// A symbolic link in the target is in the way; writing through it could write anywhere.
    #[error("refused to unpack `{path}`: there is a symbolic link at or above this path")]
    LinkInTarget {
        /// The path that should have been unpacked.
        path: RelativePath,
    },
    /// The target contains other files or folders at paths of the layers; contains all of them, sorted by path.
    #[error("{} from the ModelKit:{}", counted(.0), listed(.0))]
    Conflicts(Vec<Conflict>),
    /// Something appeared in the target, or vanished from it, during the last step.
    #[error("cannot unpack `{path}`: another process changed the target in the meantime")]
    TargetChanged {
        /// The path of the change.
        path: RelativePath,
    },
    /// The target folder cannot be created, opened or written to.
    #[error("cannot write to folder `{}`", path.display())]
    OpenTarget {
        /// The target.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A file or folder cannot be compared, written or moved to its final path.
    #[error("cannot unpack `{path}`")]
    Unpack {
        /// The file or folder.
        path: RelativePath,
        /// The error of the system.
        source: io::Error,
    },
    /// Moving files to their final paths failed and could not be undone.
    #[error("cannot undo the unpacking of `{path}`; the missing files of the target are in `{}`", staging.display())]
    NotRestored {
        /// The first file that could not be restored.
        path: RelativePath,
        /// The folder with the missing files.
        staging: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

impl Error {
    /// Returns a function that converts an error of the system to the one for packing `path`.
    pub(super) fn reading(path: &RelativePath) -> impl Fn(io::Error) -> Self {
        |source| Self::Read { path: path.clone(), source }
    }

    /// Returns a function that converts an error of the system to the one for unpacking `path`.
    pub(super) fn unpacking(path: &RelativePath) -> impl Fn(io::Error) -> Self {
        |source| Self::Unpack { path: path.clone(), source }
    }
}

/// A path of the target that contains something other than the file or folder to be unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The path.
    pub path: RelativePath,
    /// The existing file or folder.
    pub obstacle: Obstacle,
}

/// The kind of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// A file with other content; the sizes may be equal.
    OtherContent {
        /// The size of the existing file in bytes.
        existing_size: u64,
        /// The size of the file in the ModelKit, in bytes.
        new_size: u64,
    },
    /// A folder, socket or the like at the path of a file. It is never replaced.
    NotAFile,
    /// A file or the like at the path of a folder. It is never replaced.
    NotAFolder,
}

fn counted(conflicts: &[Conflict]) -> String {
    if conflicts.len() == 1 {
        "1 existing file differs".to_owned()
    } else {
        format!("{} existing files differ", conflicts.len())
    }
}

/// Returns one line for each conflict.
impl Error {
    /// Returns true if the text of the error has several lines. Untrusted text in these lines is escaped.
    pub fn has_lines(&self) -> bool {
        matches!(self, Self::Conflicts(_))
    }
}

fn listed(conflicts: &[Conflict]) -> String {
    let lines: Vec<_> = conflicts
        .iter()
        .map(|conflict| format!("\n  {}: {}", printable(conflict.path.as_str()), conflict.obstacle))
        .collect();
    lines.concat()
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherContent { existing_size, new_size } if existing_size == new_size => {
                f.write_str("same size, different content")
            }
            Self::OtherContent { existing_size, new_size } => {
                write!(f, "{} on disk, {} in the ModelKit", human(*existing_size), human(*new_size))
            }
            Self::NotAFile => f.write_str("exists and is not a file"),
            Self::NotAFolder => f.write_str("exists and is not a folder"),
        }
    }
}

fn at_member(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(", at `{}`", name.escape_debug()) }
}

/// The beginning of a long path, for messages.
fn beginning(path: &RelativePath) -> String {
    path.as_str().chars().take(60).collect()
}

fn joined<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
