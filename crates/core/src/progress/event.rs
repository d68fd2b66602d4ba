//! The steps that operations report.

use serde::Serialize;

use crate::digest::Digest;

/// A step of an operation. Serialized, it is an object whose member `event` contains the variant in camel case, and
/// whose other members are the fields, also in camel case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event<'a> {
    /// A layer was packed.
    LayerPacked(LayerPacked<'a>),
    /// Files and folders of tools are not packed, because neither the Kitfile nor `.kitignore` names them.
    FilesLeftOut {
        /// The first paths; a folder counts as one.
        paths: Vec<&'a str>,
        /// The number of paths that are not in `paths`.
        more: usize,
    },
    /// Notebooks were packed without outputs; their files did not change.
    NotebooksStripped {
        /// The number of notebooks that had outputs.
        notebooks: u64,
        /// The number of bytes that are not packed.
        removed_bytes: u64,
    },
    /// The config or the manifest of a ModelKit was written to the local store.
    DocumentSaved {
        /// The document.
        kind: StoredDocument,
        /// Its digest.
        digest: Digest,
        /// Its size.
        bytes: u64,
        /// [`PackOutcome::Saved`] or [`PackOutcome::AlreadySaved`].
        outcome: PackOutcome,
    },
    /// A blob is at the target of a copy.
    BlobCopied(BlobCopied<'a>),
    /// Layers that the target of a copy already had; each was also reported as [`Event::BlobCopied`].
    LayersPresent {
        /// Their number.
        layers: usize,
        /// Their size.
        bytes: u64,
    },
    /// A referrer of the ModelKit, for example its provenance, was copied.
    ReferrerCopied {
        /// Its artifact type, or else its media type.
        artifact_type: &'a str,
        /// The type of its statement, if it is an attestation that is annotated with it.
        predicate_type: Option<&'a str>,
        /// The digest of its manifest.
        digest: Digest,
    },
    /// A tag points to another artifact than before.
    TagMoved {
        /// The tag with its repository and registry.
        tag: &'a str,
        /// The manifest that it pointed to.
        from: Digest,
        /// The manifest that it points to now.
        to: Digest,
    },
    /// A ModelKit with a registry in its name is read from the local store, where its tag may be older than in the
    /// registry.
    FromLocalStore {
        /// Its name.
        name: &'a str,
    },
    /// A repository has images beside its ModelKits, which a list of ModelKits does not contain.
    ImagesNotListed {
        /// The tags of the first ones, such as `v1-image`.
        tags: &'a [&'a str],
        /// The number of others.
        more: usize,
    },
    /// The download of a ModelKit that the model refers to begins.
    PullingReference {
        /// The reference in the Kitfile.
        reference: &'a str,
    },
    /// Unpacking a ModelKit that the model refers to begins.
    UnpackingReference {
        /// The reference in the Kitfile.
        reference: &'a str,
    },
    /// Unpacking a layer begins.
    UnpackingLayer {
        /// The section of the Kitfile: `model`, `modelpart`, `dataset`, `code`, `docs`, `prompt` or
        /// `MCP server`.
        kind: &'a str,
        /// The name in the Kitfile, if that section has names.
        name: Option<&'a str>,
        /// The path below the target folder.
        path: &'a str,
        /// The digest of the layer.
        digest: Digest,
        /// The size of the layer.
        bytes: u64,
    },
    /// The files of a layer are in the target folder.
    LayerUnpacked {
        /// The section of the Kitfile, as in [`Event::UnpackingLayer`].
        kind: &'a str,
        /// The path below the target folder.
        path: &'a str,
        /// The size of the layer.
        bytes: u64,
    },
    /// An object in S3 is the one that the Kitfile refers to.
    ObjectVerified {
        /// The path of the dataset in the Kitfile.
        path: &'a str,
    },
    /// An object in S3 was downloaded.
    ObjectDownloaded {
        /// The path below the target folder.
        path: &'a str,
    },
    /// Tags of a repository are being watched.
    Watching {
        /// The repository with its registry.
        name: &'a str,
        /// The number of tags.
        tags: usize,
        /// The number of versions whose referrers are watched.
        versions: usize,
    },
    /// A server or a command works again after a failure that was reported.
    Recovered {
        /// The server in backticks, or a description of the command.
        name: &'a str,
    },
    /// The download of a remote dataset begins.
    FetchingDataset {
        /// Its address.
        address: &'a str,
        /// The path below the target folder.
        path: &'a str,
    },
}

/// A layer that was packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerPacked<'a> {
    /// The section of the Kitfile, for example `model` or `model.parts`.
    pub kind: &'a str,
    /// The path in the Kitfile.
    pub path: &'a str,
    /// The digest of the layer.
    pub digest: Digest,
    /// The size of the layer.
    pub bytes: u64,
    /// The result.
    pub outcome: PackOutcome,
}

/// The result of packing a layer or a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PackOutcome {
    /// It was written to the local store.
    Saved,
    /// The local store had it.
    AlreadySaved,
    /// The local store refers to the files instead of holding a copy.
    Linked,
    /// The local store already referred to the files.
    AlreadyLinked,
    /// It was only hashed: it goes to a registry without a copy in the local store.
    Hashed,
}

/// A document of a ModelKit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StoredDocument {
    /// The config, which contains the Kitfile.
    Config,
    /// The manifest.
    Manifest,
}

/// A blob that is at the target of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BlobCopied<'a> {
    /// The kind of layer, or `config`; `None` for a blob of another kind.
    pub kind: Option<&'a str>,
    /// The path of the layer in the Kitfile, if the manifest contains it.
    pub path: Option<&'a str>,
    /// The digest of the blob.
    pub digest: Digest,
    /// The size of the blob.
    pub bytes: u64,
    /// The result.
    #[serde(flatten)]
    pub outcome: CopyOutcome<'a>,
}

/// The way in which a blob came to the target of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum CopyOutcome<'a> {
    /// It was sent, except for the bytes that an earlier run had sent.
    Copied {
        /// The number of bytes that an earlier run had sent.
        resumed_bytes: u64,
    },
    /// The registry mounted it from another repository.
    Mounted {
        /// The repository.
        from: &'a str,
    },
    /// The target had it.
    Present,
}
