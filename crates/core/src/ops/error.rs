//! What goes wrong in operations: one variant per thing attempted or per case that a caller tells apart.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use super::lacking::Lacking;
use super::tag_state::TagState;
use crate::archive;
use crate::git;
use crate::modelkit;
use crate::oci::{ContentError, Reference};
use crate::problem;
use crate::progress::human;
use crate::registry;
use crate::relative_path::RelativePath;
use crate::store;
use crate::upstream::{self, hub, lfs};

/// Why an operation did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Kitfile has problems, all of them named.
    #[error(transparent)]
    Kitfile(#[from] problem::Invalid),
    /// A layer could not be put into the folder.
    #[error("cannot unpack {0}")]
    Unpack(String, #[source] archive::Error),
    /// The files of a layer could not be looked through.
    #[error("cannot look through {0}")]
    Look(String, #[source] archive::Error),
    /// A ModelKit has neither a file nor a folder there.
    #[error("it has no file or folder `{0}`")]
    NoSuchFile(RelativePath),
    /// What should be a file is a folder.
    #[error("`{0}` is a folder")]
    IsFolder(RelativePath),
    /// A path that names no file.
    #[error("`{}` is no name for a file", .0.display())]
    NotAName(PathBuf),
    /// The stream that a file goes to took no more.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    /// Files could not be packed, or not be put in place.
    #[error(transparent)]
    Archive(#[from] archive::Error),
    /// Content did not come out of a place.
    #[error("cannot read {what}")]
    Read {
        /// What was read.
        what: String,
        /// Why not.
        source: ContentError,
    },
    /// Content did not go into a place.
    #[error("cannot write {what}")]
    Write {
        /// What was written.
        what: String,
        /// Why not.
        source: ContentError,
    },
    /// A manifest is no image manifest.
    #[error("its manifest is not valid")]
    NotAManifest(#[source] serde_json::Error),
    /// An artifact is something else.
    #[error("`{0}` does not refer to a ModelKit or ModelPack")]
    NotAModelKit(String),
    /// An index of ModelKits stands where one of them is needed.
    #[error("`{index}` is an index of ModelKits, not one of them{}", there_are(variants))]
    IsIndex {
        /// What it is called.
        index: String,
        /// What is in it.
        variants: Vec<modelkit::Variant>,
    },
    /// What should be an index of ModelKits is something else.
    #[error("`{0}` is not an index of ModelKits")]
    NotAnIndex(String),
    /// No ModelKit of an index has the labels.
    #[error("no ModelKit in the index `{index}` has {}{}", all_of(labels), there_are(variants))]
    NoVariant {
        /// What it is called.
        index: String,
        /// What was asked for.
        labels: Vec<modelkit::Label>,
        /// What is in it.
        variants: Vec<modelkit::Variant>,
    },
    /// Several ModelKits of an index have the labels.
    #[error("{} ModelKits in the index `{index}` have {}:{}", variants.len(), all_of(labels), first(variants))]
    SeveralVariants {
        /// What it is called.
        index: String,
        /// What was asked for.
        labels: Vec<modelkit::Label>,
        /// Those that have it.
        variants: Vec<modelkit::Variant>,
    },
    /// A ModelKit that should go from an index is not in it.
    #[error("`{modelkit}` is not in the index `{index}`{}", there_are(variants))]
    NotInIndex {
        /// The index.
        index: String,
        /// The ModelKit.
        modelkit: String,
        /// What is in the index.
        variants: Vec<modelkit::Variant>,
    },
    /// A ModelKit could not become a part of an index.
    #[error("cannot add `{modelkit}`")]
    Member {
        /// The ModelKit.
        modelkit: Reference,
        /// Why not.
        source: Box<Error>,
    },
    /// A name that was to be new is not.
    #[error("`{0}` is there already")]
    NameTaken(Reference),
    /// What was to be pulled would take the name of an index that is here.
    #[error("`{0}` is an index in the local store, and would be no more")]
    NameOfIndex(Reference),
    /// The documents do not make a ModelKit.
    #[error(transparent)]
    InvalidModelKit(#[from] modelkit::InvalidModelKit),
    /// Layers cannot be listed in the form that was asked for.
    #[error(transparent)]
    UnsupportedForm(#[from] modelkit::UnsupportedForm),
    /// The local store does not have it, and there is no registry to ask.
    #[error("failed to find reference {0}: not found in the local store")]
    NotHere(Reference),
    /// A name without a registry where one is needed.
    #[error("`{0}` names no registry")]
    NoRegistry(Reference),
    /// ModelKits that refer to each other in a circle.
    #[error("found cycle in modelkit references: [{}]", .0.join("=>"))]
    ReferenceCycle(Vec<String>),
    /// A chain of ModelKits that is too long.
    #[error("reached maximum number of model references ({limit}): [{}]", .chain.join("=>"))]
    TooManyReferences {
        /// How many are allowed.
        limit: usize,
        /// The chain so far.
        chain: Vec<String>,
    },
    /// A ModelKit that the model refers to cannot be read.
    #[error("cannot read the referenced ModelKit `{reference}`")]
    Parent {
        /// The reference in the Kitfile.
        reference: String,
        /// Why not.
        source: Box<Error>,
    },
    /// A dataset that stays elsewhere is not what the Kitfile or the lock says.
    #[error("`{address}` is not what it should be: its {what} is {found}, not {expected}")]
    OtherRemote {
        /// Where it is.
        address: String,
        /// What differs.
        what: &'static str,
        /// As it should be.
        expected: String,
        /// As it is, or as another document says.
        found: String,
    },
    /// A dataset that stays elsewhere cannot be read.
    #[error("cannot read `{address}`")]
    ReadRemote {
        /// Where it is.
        address: String,
        /// Why not.
        source: ContentError,
    },
    /// A dataset that stays elsewhere could be anything.
    #[error("nothing tells what `{0}` should be, so it is not fetched")]
    Unproven(String),
    /// A name that no reference in a Kitfile answers to.
    #[error("no model or dataset that comes from another ModelKit is called `{0}`")]
    NoSuchReference(String),
    /// The filters match no part of a ModelKit.
    #[error("no part of `{name}` matches the filter; its parts are:{}", listed(parts))]
    NothingMatches {
        /// The name of the ModelKit.
        name: String,
        /// Its layers, each with the section and the path.
        parts: Vec<String>,
    },
    /// What was packed is not what the lock says: all that differs.
    #[error("what would be packed is not what is locked:{}", listed(.0))]
    Drift(Vec<modelkit::Drift>),
    /// What is to be written does not fit on the disk.
    #[error("`{}` has {} free, and {} are needed", folder.display(), human(*free), human(*needed))]
    NoRoom {
        /// Where it was to be written.
        folder: PathBuf,
        /// In bytes, at least.
        needed: u64,
        /// In bytes.
        free: u64,
    },
    /// A tag that was to be moved points to something else than expected.
    #[error("`{tag}` points to {found}, and was expected to point to {expected}")]
    TagMoved {
        /// The whole name.
        tag: String,
        /// What it should point to.
        expected: TagState,
        /// What it points to.
        found: TagState,
    },
    /// The store refused.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A hub refused.
    #[error(transparent)]
    Hub(#[from] hub::Error),
    /// git refused.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// An LFS server refused.
    #[error(transparent)]
    Lfs(#[from] lfs::Error),
    /// A repository on this disk that has not fetched a file of LFS.
    #[error("the repository has only a pointer to `{0}`")]
    OnlyPointer(RelativePath),
    /// A path of the Kitfile that nothing lies at.
    #[error("the repository has no file or folder `{0}`")]
    NotInRepository(RelativePath),
    /// A layer that is a file cannot hold a folder.
    #[error("the model `{0}` is a folder, and a raw layer is one file")]
    FolderAsFile(RelativePath),
    /// A folder that MLflow did not make.
    #[error("`{}` has neither an `MLmodel` nor a `meta.yaml` with a `run_id`", .0.display())]
    NotMlflow(PathBuf),
    /// A run that logged no files, or not to its folder.
    #[error("the run has no files in `{}`", .0.display())]
    NoArtifacts(PathBuf),
    /// A file of an MLflow run that is not as MLflow writes it.
    #[error("`{path}` {problem}")]
    MlflowFile {
        /// Where it is in the folder of the run.
        path: String,
        /// What it is instead.
        problem: String,
    },
    /// A registry refused.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// What should be an archive is none.
    #[error("`{}` is no OCI image layout: {reason}", path.display())]
    NotAnArchive {
        /// The file or folder.
        path: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// An archive without a ModelKit.
    #[error("nothing is in it")]
    EmptyArchive,
    /// An archive that calls something by what is no name.
    #[error("`{}`, as its index calls a ModelKit, is no name", .0.escape_debug())]
    BadName(String),
    /// An archive with several ModelKits, where one name is to be given.
    #[error("it holds more than one name can stand for: {}", in_a_row(.0))]
    ManyInArchive(Vec<Reference>),
    /// An archive that lacks what its ModelKits need, and what the target does not have either.
    #[error("it is incomplete; what is lacking:{0}")]
    Incomplete(Lacking),
    /// A file or folder is there already.
    #[error("`{0}` already exists")]
    Exists(PathBuf),
    /// A file could not be read or written; the source names it.
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

    /// The error with its causes, in one line: for a warning.
    pub(super) fn in_words(&self) -> String {
        let mut words = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            words = format!("{words}: {error}");
            cause = error.source();
        }
        words
    }
}

/// A line each.
fn listed(things: &[impl Display]) -> String {
    things.iter().map(|thing| format!("\n  {thing}")).collect::<Vec<_>>().concat()
}

fn there_are(variants: &[modelkit::Variant]) -> String {
    if variants.is_empty() { "; it is empty".to_owned() } else { format!("; there are:{}", first(variants)) }
}

/// A line each, as long as that can be read.
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
