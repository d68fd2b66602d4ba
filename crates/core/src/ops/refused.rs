//! The files that an operation refuses: those with secrets, and those that leave a ModelKit without usable content.

use std::fmt;

use crate::problem::printable;
use crate::relative_path::RelativePath;
use crate::tensors;

/// A file that probably contains a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The path of the file.
    pub path: RelativePath,
    /// The line of the secret, from 1; `None` if the name of the file gives it away.
    pub line: Option<usize>,
    /// The sentence that describes it, without the secret itself.
    pub message: String,
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = &self.message;
        write!(f, "{}: {message} (secret)", printable(&self.place()))
    }
}

impl Secret {
    /// The path of the file, with the line if it is known.
    pub(crate) fn place(&self) -> String {
        self.line.map_or_else(|| self.path.to_string(), |line| format!("{}:{line}", self.path))
    }
}

/// The first items, each on a line of its own. Their texts are printable.
pub(super) fn first_of(things: &[impl fmt::Display]) -> String {
    const LISTED: usize = 20;
    let lines = things.iter().take(LISTED).map(|thing| format!("\n  {thing}")).collect::<Vec<_>>().concat();
    let more = things.len().saturating_sub(LISTED);
    if more == 0 { lines } else { format!("{lines}\n  and {more} more") }
}

/// The filters of a selection of which no file matches a pattern, for the error.
pub(super) fn filtered(filters: &[String]) -> String {
    match filters {
        [] => String::new(),
        filters => format!(" in the parts that `--filter {}` selects", filters.join(" --filter ")),
    }
}

/// A part of a ModelKit without usable content.
#[derive(Debug)]
pub struct Empty {
    /// The path of the file or of the layer; the root for the whole ModelKit.
    pub path: RelativePath,
    /// The content that it lacks.
    pub lack: Lack,
}

/// The way in which content is lacking.
#[derive(Debug)]
pub enum Lack {
    /// The Kitfile has no layers.
    Layers,
    /// `.kitignore` excludes the path of the model.
    Ignored,
    /// The folder of the model has no files.
    Files,
    /// A file of weights has no bytes.
    Bytes,
    /// A file of weights is only a pointer of Git LFS.
    Pointer,
    /// A file of weights ends before its own header says so.
    End(tensors::Error),
    /// A file of weights or data lacks the end that its format requires.
    NoEnd(End),
    /// Shards of a model are missing beside the others.
    Shards {
        /// The first one that is missing.
        first: RelativePath,
        /// The number of others that are missing.
        more: usize,
    },
    /// A file of weights or data is an HTML document.
    WebPage,
    /// A file of weights is too short to have a header, or begins with something else.
    NoHeader(tensors::Format),
    /// All files of a dataset are empty.
    Data,
}

/// The end of a file that shows that the file is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The directory of a zip archive, such as the files of `PyTorch`, Keras and `NumPy`.
    Zip,
    /// The last instruction of a pickle.
    Pickle,
    /// The footer of a Parquet file.
    Parquet,
    /// The footer of an Arrow file.
    Arrow,
    /// The end of compressed data.
    Stream,
    /// The last bytes of an array of `NumPy`.
    Array,
}

impl End {
    /// The words that describe what is missing.
    fn missing(self) -> &'static str {
        match self {
            Self::Zip => "the directory at the end of its zip archive is missing",
            Self::Pickle => "its pickle has no end",
            Self::Stream => "its compressed data have no end",
            Self::Array => "its array is shorter than its header says",
            Self::Parquet | Self::Arrow => "its footer is missing",
        }
    }
}

/// The words before a list of what is lacking.
pub(super) fn title(empty: &[Empty]) -> &'static str {
    let all = |is_such: fn(&Lack) -> bool| empty.iter().all(|empty| is_such(&empty.lack));
    match () {
        () if all(|lack| matches!(lack, Lack::Ignored)) => "the Kitfile and .kitignore contradict each other",
        () if all(|lack| matches!(lack, Lack::End(_) | Lack::NoEnd(_) | Lack::Shards { .. })) => {
            "files that are not complete"
        }
        () if all(|lack| matches!(lack, Lack::WebPage)) => "files that are not what their names say",
        () => "nothing to use",
    }
}

impl Lack {
    /// Returns true if this is never meant. KitOps also packs Kitfiles without layers and empty folders, and a file
    /// without a header may be a placeholder, or of another format.
    pub(crate) fn is_refused(&self) -> bool {
        !matches!(self, Self::Layers | Self::Files | Self::NoHeader(_) | Self::Data)
    }

    /// The kind of problem, in a word.
    pub(crate) fn rule(&self) -> &'static str {
        match self {
            Self::Layers => "no-layers",
            Self::Ignored => "ignored",
            Self::Files => "empty-layer",
            Self::Bytes => "empty-weights",
            Self::Pointer => "lfs-pointer",
            Self::End(_) | Self::NoEnd(_) => "cut-off",
            Self::Shards { .. } => "missing-shard",
            Self::WebPage => "web-page",
            Self::NoHeader(_) => "no-header",
            Self::Data => "empty-data",
        }
    }

    /// The next step.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Layers => "add entries to the Kitfile; `kit init` drafts one from the files of a folder",
            Self::Ignored => "remove the line from .kitignore, or remove the entry",
            Self::Files => "add files to it, or remove the entry",
            Self::Bytes => "write or download the file again",
            Self::Pointer => "run `git lfs pull` to fetch the content",
            Self::End(_) | Self::NoEnd(_) => "download the file again",
            Self::Shards { more: 0, .. } => "download it again",
            Self::Shards { .. } => "download them again",
            Self::WebPage => "download the file itself; the page may say that it needs a login, or another address",
            Self::NoHeader(_) => "check that it is the right file",
            Self::Data => "write or download the files again",
        }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layers => f.write_str("the Kitfile has no layers"),
            Self::Ignored => f.write_str("the Kitfile lists it, but .kitignore excludes it"),
            Self::Files => f.write_str("the model contains no files, so its layer would be empty"),
            Self::Bytes => f.write_str("this file of weights is empty"),
            Self::Pointer => f.write_str("this is only a pointer of git LFS, not the file itself"),
            Self::End(error) => write!(f, "this file of weights is cut off: {error}"),
            Self::NoEnd(end) => write!(f, "this file is cut off: {}", end.missing()),
            Self::Shards { first, more } => {
                write!(f, "this model is not complete: `{first}`")?;
                match more {
                    0 => f.write_str(" is missing"),
                    1 => f.write_str(" and 1 other file are missing"),
                    more => write!(f, " and {more} other files are missing"),
                }
            }
            Self::WebPage => f.write_str("this is a web page (HTML), not the file itself"),
            Self::NoHeader(format) => write!(f, "this file does not begin like a {} file", format.name()),
            Self::Data => f.write_str("all files of this dataset are empty"),
        }
    }
}

impl fmt::Display for Empty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, lack } = self;
        if !path.is_root() {
            write!(f, "{}: ", printable(path.as_str()))?;
        }
        write!(f, "{}; {}", printable(&lack.to_string()), lack.advice())
    }
}
