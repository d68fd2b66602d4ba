//! The result of a search.

use crate::digest::Digest;

/// The versions that hold the content, and those for which the documents do not answer the question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Impact {
    /// The number of versions that were searched.
    pub versions: usize,
    /// The versions that hold the content, or that are built from such a version.
    pub affected: Vec<Affected>,
    /// The versions that may hold it: their documents do not list all files, or were not read.
    pub unknown: Vec<Unknown>,
    /// The number of requests to registries.
    pub requests: u64,
    /// The size in bytes of all documents that were read.
    pub bytes: u64,
    /// The number of versions whose provenance was not read, because it would have taken more requests. Their Kitfiles
    /// do not name anything outside of the ModelKit.
    pub unread_records: usize,
}

/// A version that holds the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// The repository or the image layout.
    pub repository: String,
    /// The tags, sorted; may be empty.
    pub tags: Vec<String>,
    /// The digest of the manifest.
    pub digest: Digest,
    /// The places of the content in it.
    pub reasons: Vec<Reason>,
}

/// One place of the content in a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The kind of the match.
    pub kind: ReasonKind,
    /// The layer, the file, or the name of the other artifact.
    pub place: String,
    /// The number of files that match.
    pub files: usize,
    /// The number of bytes that match, if they are in the version itself.
    pub bytes: u64,
}

/// The kind of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReasonKind {
    /// The version is the ModelKit itself.
    Same,
    /// A layer has the same digest.
    Layer,
    /// Files have the same content.
    File,
    /// A file has some of the same chunks.
    Chunks,
    /// A file has the tensor with the same name and bytes.
    Tensor,
    /// The Kitfile or an attestation names it as the model that is used.
    BaseModel,
    /// The Kitfile or an attestation names it as a dataset.
    Dataset,
    /// An attestation names it as another material.
    Material,
    /// The version is built from another version that holds it.
    Through,
}

/// A version that may hold the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The version: its repository with a tag or the digest.
    pub name: String,
    /// The reason.
    pub reason: UnknownReason,
}

/// The reason why the documents of a version do not answer the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownReason {
    /// Layers have no table of contents that can be read.
    NoTable {
        /// The number of such layers.
        layers: usize,
        /// The number of all layers.
        of: usize,
    },
    /// Documents were not read, because they would have taken more requests than are permitted.
    NotRead,
    /// The documents cannot be read.
    Unreadable(String),
}
