//! The errors of operations: one variant per attempted action, or per case that a caller distinguishes.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use super::lacking::Lacking;
use super::tag_state::TagState;
use crate::archive;
use crate::git;
use crate::modelkit;
use crate::oci::{ContentError, Reference};
use crate::problem::{self, printable};
use crate::progress::human;
use crate::registry;
use crate::relative_path::RelativePath;
use crate::store;
use crate::upstream::{self, hub, lfs};

/// The reason why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Kitfile has problems; the error lists all of them.
    #[error(transparent)]
    Kitfile(#[from] problem::Invalid),
    /// A layer could not be unpacked into the folder.
    #[error("cannot unpack {0}")]
    Unpack(String, #[source] archive::Error),
    /// The files in a layer or an archive could not be read.
    #[error("cannot read the files in {0}")]
    Look(String, #[source] archive::Error),
    /// The ModelKit has neither a file nor a folder at this path.
    #[error("the ModelKit has no file or folder `{0}`")]
    NoSuchFile(RelativePath),
    /// A folder is at the path where a file is expected.
    #[error("`{0}` is a folder")]
    IsFolder(RelativePath),
    /// A path that does not end in a file name.
    #[error("`{}` is not a file name", .0.display())]
    NotAName(PathBuf),
    /// The output stream did not accept more of a file.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    /// Files could not be packed or unpacked.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// Content could not be read from its source.
    #[error("cannot read {what}")]
    Read {
        /// A description of the content.
        what: String,
        /// The cause.
        source: ContentError,
    },
    /// Content could not be written to its target.
    #[error("cannot write {what}")]
    Write {
        /// A description of the content.
        what: String,
        /// The cause.
        source: ContentError,
    },
    /// A manifest is not a valid image manifest or index.
    #[error("its manifest is not valid")]
    NotAManifest(#[source] serde_json::Error),
    /// An artifact is neither a ModelKit nor a ModelPack.
    #[error("`{0}` does not refer to a ModelKit or ModelPack")]
    NotAModelKit(String),
    /// A name refers to an index of ModelKits where a single ModelKit is needed.
    #[error("`{index}` is an index of ModelKits, not a single ModelKit{}", contains(variants))]
    IsIndex {
        /// The name of the index.
        index: String,
        /// The ModelKits in the index.
        variants: Vec<modelkit::Variant>,
    },
    /// A name does not refer to an index of ModelKits where one is needed.
    #[error("`{0}` is not an index of ModelKits")]
    NotAnIndex(String),
    /// No ModelKit of an index has the labels.
    #[error("no ModelKit in the index `{index}` has {}{}", all_of(labels), contains(variants))]
    NoVariant {
        /// The name of the index.
        index: String,
        /// The requested labels.
        labels: Vec<modelkit::Label>,
        /// The ModelKits in the index.
        variants: Vec<modelkit::Variant>,
    },
    /// Several ModelKits of an index have the labels.
    #[error("{} ModelKits in the index `{index}` have {}:{}", variants.len(), all_of(labels), first(variants))]
    SeveralVariants {
        /// The name of the index.
        index: String,
        /// The requested labels.
        labels: Vec<modelkit::Label>,
        /// The ModelKits that have all of these labels.
        variants: Vec<modelkit::Variant>,
    },
    /// A ModelKit that should be removed from an index is not in it.
    #[error("`{modelkit}` is not in the index `{index}`{}", contains(variants))]
    NotInIndex {
        /// The index.
        index: String,
        /// The ModelKit.
        modelkit: String,
        /// The ModelKits in the index.
        variants: Vec<modelkit::Variant>,
    },
    /// A ModelKit could not be added to an index.
    #[error("cannot add `{modelkit}`")]
    Member {
        /// The ModelKit.
        modelkit: Reference,
        /// The cause.
        source: Box<Error>,
    },
    /// A name for a new index is in use.
    #[error("`{0}` already exists")]
    NameTaken(Reference),
    /// A pull would overwrite an index in the local store.
    #[error("the pull would overwrite the local index `{0}`")]
    NameOfIndex(Reference),
    /// The manifest and the config do not describe a valid ModelKit.
    #[error(transparent)]
    InvalidModelKit(#[from] modelkit::InvalidModelKit),
    /// Layers cannot be listed in the requested form.
    #[error(transparent)]
    UnsupportedForm(#[from] modelkit::UnsupportedForm),
    /// The local store does not have the reference, and it has no registry to ask.
    #[error("failed to find reference {0}: not found in the local store")]
    NotHere(Reference),
    /// A reference without a registry host where one is needed.
    #[error("`{0}` has no registry host")]
    NoRegistry(Reference),
    /// ModelKits refer to each other in a cycle.
    #[error("found cycle in modelkit references: [{}]", .0.join("=>"))]
    ReferenceCycle(Vec<String>),
    /// A chain of references between ModelKits is too long.
    #[error("reached maximum number of model references ({limit}): [{}]", .chain.join("=>"))]
    TooManyReferences {
        /// The number of references that are allowed.
        limit: usize,
        /// The chain so far.
        chain: Vec<String>,
    },
    /// A ModelKit that the model refers to cannot be read.
    #[error("cannot read the referenced ModelKit `{reference}`")]
    Parent {
        /// The reference in the Kitfile.
        reference: String,
        /// The cause.
        source: Box<Error>,
    },
    /// A remote dataset does not match the Kitfile or the lock file.
    #[error("`{address}` has the wrong {what}: expected {expected}, found {found}")]
    OtherRemote {
        /// The address of the dataset.
        address: String,
        /// The property that differs, such as `digest`.
        what: &'static str,
        /// The expected value.
        expected: String,
        /// The value that the server, or another document, gives.
        found: String,
    },
    /// A remote dataset cannot be read.
    #[error("cannot read `{address}`")]
    ReadRemote {
        /// The address of the dataset.
        address: String,
        /// The cause.
        source: ContentError,
    },
    /// A remote dataset has neither a digest nor an `ETag` to verify it against.
    #[error("no digest is known for `{0}`; refusing to fetch unverified data")]
    Unproven(String),
    /// A name that does not belong to a reference in the Kitfile.
    #[error("no model or dataset named `{0}` refers to another ModelKit")]
    NoSuchReference(String),
    /// The filters match no part of a ModelKit.
    #[error("no part of `{name}` matches the filter; its parts are:{}", listed(parts))]
    NothingMatches {
        /// The name of the ModelKit.
        name: String,
        /// Its layers, each with the section and the path.
        parts: Vec<String>,
    },
    /// The result of packing does not match the lock file; the error lists all differences.
    #[error("the result would not match the lock file:{}", listed(.0))]
    Drift(Vec<modelkit::Drift>),
    /// The disk does not have enough free space.
    #[error("not enough space in `{}`: {} needed, {} free", folder.display(), human(*needed), human(*free))]
    NoRoom {
        /// The folder to write to.
        folder: PathBuf,
        /// The lowest number of bytes that is needed.
        needed: u64,
        /// The number of free bytes.
        free: u64,
    },
    /// A tag that should be moved does not have the expected state.
    #[error("`{tag}` points to {found}, expected {expected}")]
    TagMoved {
        /// The full reference.
        tag: String,
        /// The expected state.
        expected: TagState,
        /// The actual state.
        found: TagState,
    },
    /// The local store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A request to a model hub failed.
    #[error(transparent)]
    Hub(#[from] hub::Error),
    /// A git command failed.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// A request to a Git LFS server failed.
    #[error(transparent)]
    Lfs(#[from] lfs::Error),
    /// A local repository has not fetched a Git LFS file.
    #[error("the repository has only the Git LFS pointer of `{0}`")]
    OnlyPointer(RelativePath),
    /// A path in the Kitfile that does not exist in the repository.
    #[error("the repository has no file or folder `{0}`")]
    NotInRepository(RelativePath),
    /// A model that is a folder cannot be stored as a raw layer.
    #[error("the model `{0}` is a folder; a raw layer must be a single file")]
    FolderAsFile(RelativePath),
    /// A folder that is neither an MLflow model nor an MLflow run.
    #[error("`{}` has neither an `MLmodel` nor a `meta.yaml` with a `run_id`", .0.display())]
    NotMlflow(PathBuf),
    /// An MLflow run that logged no files, or logged them outside its folder.
    #[error("the run has no files in `{}`", .0.display())]
    NoArtifacts(PathBuf),
    /// A file of an MLflow run that does not have MLflow's format.
    #[error("`{path}` {problem}")]
    MlflowFile {
        /// The path in the folder of the run.
        path: String,
        /// A predicate that completes the sentence, such as `is not valid`.
        problem: String,
    },
    /// A request to a registry failed.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// A file or folder that should be an archive is not an OCI image layout.
    #[error("`{}` is not an OCI image layout: {reason}", path.display())]
    NotAnArchive {
        /// The file or folder.
        path: PathBuf,
        /// The missing or wrong part.
        reason: String,
    },
    /// An archive without a ModelKit.
    #[error("the archive is empty")]
    EmptyArchive,
    /// An archive whose index has an invalid name for a ModelKit.
    #[error("invalid name `{}` in the index of the archive", .0.escape_debug())]
    BadName(String),
    /// An archive with several ModelKits, where a single name was given.
    #[error("the archive contains several ModelKits and cannot be loaded under a single name: {}", in_a_row(.0))]
    ManyInArchive(Vec<Reference>),
    /// An archive without blobs that its ModelKits need and that the target does not have either.
    #[error("the archive is incomplete; missing:{0}")]
    Incomplete(Lacking),
    /// A file or folder already exists.
    #[error("`{0}` already exists")]
    Exists(PathBuf),
    /// A file could not be read or written; the source names the file.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<upstream::Error> for Error {
    fn from(error: upstream::Error) -> Self {
        match error {
            upstream::Error::Hub(error) => Self::Hub(error),
            upstream::Error::Io(error) => Self::Io(error),
        }
    }
}

impl Error {
    pub(super) fn reading(what: &str, source: ContentError) -> Self {
        Self::Read { what: what.to_owned(), source }
    }

    pub(super) fn writing(what: &str, source: ContentError) -> Self {
        Self::Write { what: what.to_owned(), source }
    }
}

impl Error {
    /// Returns true if the text of the error has several lines. Untrusted text in these lines is escaped.
    pub fn has_lines(&self) -> bool {
        match self {
            Self::Archive(error) => error.has_lines(),
            Self::Kitfile(_)
            | Self::IsIndex { .. }
            | Self::NoVariant { .. }
            | Self::SeveralVariants { .. }
            | Self::NotInIndex { .. }
            | Self::NothingMatches { .. }
            | Self::Drift(_)
            | Self::Incomplete(_) => true,
            _ => false,
        }
    }
}

/// The error and its causes, joined by colons, as the reason in a [`Warning`](crate::progress::Warning).
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Each item on a line of its own.
fn listed(things: &[impl Display]) -> String {
    things.iter().map(|thing| format!("\n  {}", printable(&thing.to_string()))).collect::<Vec<_>>().concat()
}

fn contains(variants: &[modelkit::Variant]) -> String {
    if variants.is_empty() { "; the index is empty".to_owned() } else { format!("; it contains:{}", first(variants)) }
}

/// Each variant on a line of its own, up to a number that a user can read.
fn first(variants: &[modelkit::Variant]) -> String {
    const SHOWN: usize = 50;
    let shown = listed(&variants[..variants.len().min(SHOWN)]);
    if variants.len() > SHOWN { format!("{shown}\n  and {} more", variants.len() - SHOWN) } else { shown }
}

fn all_of(labels: &[modelkit::Label]) -> String {
    labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(" and ")
}

fn in_a_row(references: &[Reference]) -> String {
    references.iter().map(|reference| format!("`{reference}`")).collect::<Vec<_>>().join(", ")
}
