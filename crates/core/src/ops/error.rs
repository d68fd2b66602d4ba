//! The errors of operations: one variant per attempted action, or per case that a caller distinguishes.

use std::io;
use std::path::PathBuf;

use super::index_error::IndexError;
use super::policies::PolicyError;
use super::refused::{self, Empty, Secret};
use super::remote_data_error::RemoteDataError;
use super::tag_state::TagState;
use super::trust::SigningError;
use crate::archive;
use crate::digest::{Digest, Mismatch};
use crate::modelkit;
use crate::oci::{ContentError, Reference};
use crate::problem::{self, printable};
use crate::progress::human;
use crate::registry;
use crate::relative_path::RelativePath;
use crate::store;
use crate::upstream;

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
    /// The content of a directory was requested at the path of a file.
    #[error("`{0}` is a file, so `{0}/.` does not exist")]
    NotADirectory(RelativePath),
    /// A folder is at the path where a file is expected.
    #[error("`{0}` is a folder")]
    IsFolder(RelativePath),
    /// The folder that a copy is placed into does not exist.
    #[error("folder `{}` does not exist", .0.display())]
    NoFolder(PathBuf),
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
    /// A registry delivered content that does not match its digest.
    #[error(transparent)]
    DamagedInRegistry(Box<Error>),
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
    #[error("`{name}` does not refer to a ModelKit or ModelPack, but to {found}")]
    NotAModelKit {
        /// The name of the artifact.
        name: String,
        /// The artifact that the name refers to, as its documents describe it.
        found: String,
    },
    /// The manifest and the config do not describe a valid ModelKit.
    #[error(transparent)]
    InvalidModelKit(#[from] modelkit::InvalidModelKit),
    /// An entry of a Kitfile has no layer that can be read.
    #[error("failed to plan unpack of {place}")]
    Plan {
        /// The entry, as in `datasets[0]`.
        place: String,
        /// The cause.
        source: modelkit::EntryProblem,
    },
    /// The folder of a skill exists and must not be replaced.
    #[error("skill directory already exists (use -o to overwrite)")]
    SkillExists,
    /// Layers cannot be listed in the requested form.
    #[error(transparent)]
    UnsupportedForm(#[from] modelkit::UnsupportedForm),
    /// There are more files than can be held in memory.
    #[error("there are more than {limit} {what}")]
    TooManyFiles {
        /// The things that are counted.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The local store does not have the reference, and it has no registry to ask.
    #[error("failed to find reference {reference}: not found in the local store")]
    NotHere {
        /// The reference.
        reference: Box<Reference>,
        /// The most similar tags of the repository in the local store.
        similar: Vec<String>,
    },
    /// A repository in a registry does not have the tag.
    #[error("cannot read the manifest")]
    NoSuchTag {
        /// The repository with its registry.
        repository: String,
        /// The most similar tags of the repository.
        similar: Box<[String]>,
        /// The answer of the registry.
        source: ContentError,
    },
    /// The registry does not delete manifests or tags.
    #[error("removing models is unsupported by registry {registry}")]
    RemovalUnsupported {
        /// The registry.
        registry: String,
        /// Its answer.
        source: Box<registry::Error>,
    },
    /// Removing a ModelKit from a registry would remove tags that were not named.
    #[error("`{name}` has other tags in the registry: {}", tags.join(", "))]
    OtherTags {
        /// The ModelKit.
        name: String,
        /// The other tags.
        tags: Vec<String>,
    },
    /// The registry deletes no single tags, and the ModelKit has other tags.
    #[error("`{registry}` does not delete single tags, and {digest} has other tags: {}", tags.join(", "))]
    OnlyWholeRemoval {
        /// The registry.
        registry: String,
        /// The ModelKit.
        digest: Digest,
        /// The other tags.
        tags: Vec<String>,
        /// The answer of the registry.
        source: Box<registry::Error>,
    },
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
    /// A name that does not belong to a reference in the Kitfile.
    #[error("no model or dataset named `{0}` refers to another ModelKit")]
    NoSuchReference(String),
    /// Filters that match no part of a ModelKit or a lock.
    #[error("no part of `{name}` matches `{}`; its parts are:{}", filters.join("` or `"), listed(parts))]
    NothingMatches {
        /// The name of the ModelKit or the lock.
        name: String,
        /// The filters, each with one of the names or types that do not match.
        filters: Vec<String>,
        /// The entries, each with the section, the path and the name.
        parts: Vec<String>,
    },
    /// Patterns that match no file of the selected parts.
    #[error("no file of `{name}`{} matches `{}`", refused::filtered(filters), patterns.join("` or `"))]
    NoPathMatches {
        /// The name of the ModelKit.
        name: String,
        /// The patterns.
        patterns: Vec<String>,
        /// The filters that select the parts.
        filters: Vec<String>,
        /// A path that a pattern would have matched in another folder, if one was seen.
        elsewhere: Option<String>,
    },
    /// Patterns that match no file of two compared sides.
    #[error("no file of either side matches `{}`", patterns.join("` or `"))]
    NoPathMatchesEither {
        /// The patterns.
        patterns: Vec<String>,
        /// A path that a pattern would have matched in another folder, if one was seen.
        elsewhere: Option<String>,
    },
    /// An MCP server has no valid bundle.
    #[error("invalid MCP bundle for mcpServer {server}")]
    McpBundle {
        /// The name of the server.
        server: String,
        /// The cause.
        source: archive::InvalidMcpBundle,
    },
    /// A snapshot in the cache of the Hugging Face hub has links to files that the cache does not have.
    #[error(
        "the snapshot is not complete: `{path}` is a link to `{}`, which does not exist{}", target.display(),
        others(*more)
    )]
    IncompleteSnapshot {
        /// The first link.
        path: String,
        /// Its target.
        target: PathBuf,
        /// The number of other links.
        more: usize,
        /// The command that downloads the missing files.
        download: String,
    },
    /// Files contain secrets.
    #[error("files that look like secrets:{}", refused::first_of(.0))]
    Secrets(Vec<Secret>),
    /// A ModelKit would have no content.
    #[error("{}:{}", refused::title(.0), refused::first_of(.0))]
    Empty(Vec<Empty>),
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
    /// The disk became full.
    #[error("not enough space in `{}`: {} free", folder.display(), human(*free))]
    DiskFull {
        /// The folder that was written to.
        folder: PathBuf,
        /// The number of bytes that are free after the failure.
        free: u64,
        /// The failure.
        source: Box<Error>,
    },
    /// The destination contains the digest of another artifact.
    #[error("`{destination}` contains another digest than the ModelKit, which is `{digest}`")]
    OtherDigest {
        /// The destination with its digest.
        destination: String,
        /// The digest of what would be copied.
        digest: Digest,
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
    /// A tag has no record of a promotion, so its earlier target is not known.
    #[error("no record of a promotion of `{tag}` to {digest} was found")]
    NotPromoted {
        /// The full reference.
        tag: String,
        /// The manifest that it points to.
        digest: Digest,
    },
    /// A tag was moved to a manifest, but not by its latest promotion.
    #[error(
        "`{tag}` points to {digest}, but its latest promotion moved it to {promoted}: it was moved without a record"
    )]
    MovedUnrecorded {
        /// The full reference.
        tag: String,
        /// The manifest that it points to.
        digest: Digest,
        /// The manifest of its latest promotion.
        promoted: Digest,
    },
    /// A tag did not exist before its latest promotion.
    #[error("`{tag}` did not exist before it was promoted to {digest}")]
    FirstPromotion {
        /// The full reference.
        tag: String,
        /// The manifest that it points to.
        digest: Digest,
    },
    /// An image cannot be the base of the image form.
    #[error("`{image}` cannot be a base image")]
    BaseImage {
        /// The name of the image.
        image: String,
        /// The reason.
        source: modelkit::InvalidBase,
    },
    /// A name and an index of ModelKits do not fit together.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A policy does not allow the operation, or could not be asked.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A signature, attestation or other referrer was not copied to a name whose policy requires some.
    #[error("cannot copy the signatures and attestations, which the policy requires there")]
    NotCarried(#[source] Box<Self>),
    /// A remote dataset failed.
    #[error(transparent)]
    RemoteData(#[from] RemoteDataError),
    /// A file of a repository of models could not be read.
    #[error(transparent)]
    Upstream(#[from] upstream::Error),
    /// A ModelKit cannot be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The local store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A request to a registry failed.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// A file could not be read or written; the source names the file.
    #[error(transparent)]
    Io(#[from] io::Error),
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
    /// Returns the error of an operation that reads from a registry if `is_remote` is true: damage is its fault then,
    /// not that of the local store.
    #[must_use]
    pub fn of_place(self, is_remote: bool) -> Self {
        let is_new = is_remote && !matches!(self, Self::DamagedInRegistry(_)) && is_damage(&self);
        if is_new { Self::DamagedInRegistry(Box::new(self)) } else { self }
    }

    /// Returns true if the text of the error has several lines. Untrusted text in these lines is escaped.
    pub fn has_lines(&self) -> bool {
        match self {
            Self::Archive(error) => error.has_lines(),
            Self::Index(error) => error.has_lines(),
            Self::Policy(error) => error.has_lines(),
            Self::Kitfile(_) | Self::NothingMatches { .. } | Self::Drift(_) | Self::Secrets(_) | Self::Empty(_) => true,
            _ => false,
        }
    }
}

/// Returns true if content that does not match its digest is a cause of `error`.
fn is_damage(error: &(dyn std::error::Error + 'static)) -> bool {
    let is_mismatch = |cause: &(dyn std::error::Error + 'static)| {
        matches!(cause.downcast_ref(), Some(ContentError::Mismatch(_)))
            || cause.downcast_ref().and_then(Mismatch::in_io).is_some()
    };
    std::iter::successors(Some(error), |cause| cause.source()).any(is_mismatch)
}

/// The error and its causes, joined by colons, as the reason in a [`Warning`](crate::progress::Warning).
pub(super) fn reason(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn others(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" (and {more} more)") }
}

/// Each item on a line of its own.
pub(super) fn listed(things: &[impl std::fmt::Display]) -> String {
    things.iter().map(|thing| format!("\n  {}", printable(&thing.to_string()))).collect::<Vec<_>>().concat()
}
