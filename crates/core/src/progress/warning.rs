//! Conditions that the user should check although the operation continues.

use std::path::Path;

use serde::Serialize;

use super::parts::{IgnoreLine, LayerPlace, Paths, PolicyConsequence, RecallNotice};
use crate::digest::Digest;

/// A condition to check although the operation continues. Serialized like an [`Event`](super::Event).
///
/// `reason` is an error and its causes, joined by colons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Warning<'a> {
    /// Another process holds a lock of the local store, and the operation has been waiting for it for some time.
    WaitingForLock {
        /// The lock file.
        lock: &'a Path,
        /// The number of the process that holds it, if it is known.
        process: Option<u32>,
    },
    /// Another process is downloading a blob that the operation needs and has been waiting for.
    WaitingForDownload {
        /// The digest of the blob.
        digest: &'a Digest,
        /// The size of the blob in bytes.
        bytes: u64,
    },
    /// A blob of the local store may not have been on the disk when the machine was restarted; it is read once.
    CheckingAfterRestart {
        /// The digest of the blob.
        digest: Digest,
        /// Its size.
        bytes: u64,
    },
    /// A ModelKit of the local store has lost content in a crash of the machine.
    LostInCrash {
        /// Its name, or its digest if it has none.
        modelkit: &'a str,
    },
    /// A crash of the machine has damaged the index of the local store, and an earlier version was restored.
    IndexRestored,
    /// A policy is not satisfied, and the operation continues.
    PolicyNotSatisfied {
        /// The ModelKit as the user named it.
        modelkit: &'a str,
        /// The rules and the requirements that are not satisfied, one a line.
        reason: String,
        /// The consequence.
        consequence: PolicyConsequence,
    },
    /// A ModelKit was recalled, and no policy decides about that.
    Recalled(RecallNotice<'a>),
    /// A request failed and is repeated after a long pause.
    WaitingForRegistry {
        /// The pause.
        seconds: u64,
        /// The time after which the command fails if nothing changes. None if there is no such time.
        remaining_seconds: Option<u64>,
        /// The failure.
        reason: String,
    },
    /// A registry has not answered a request for a long time.
    WaitingForAnswer {
        /// The host.
        registry: &'a str,
        /// The time since the request was sent.
        seconds: u64,
    },
    /// A registry sent a warning with its answer (distribution-spec 1.1, "Warnings").
    FromRegistry {
        /// The host of the registry.
        registry: &'a str,
        /// The text of the warning.
        text: &'a str,
    },
    /// `.kitignore` excludes the path of a layer, so that the layer is empty.
    LayerIgnored(LayerPlace<'a>),
    /// Lines of `.kitignore` match nothing.
    IgnoreLinesUnmatched {
        /// The first lines.
        lines: Vec<IgnoreLine<'a>>,
        /// The number of lines that are not in `lines`.
        more: usize,
    },
    /// The Kitfile has no entry with files to pack.
    NoLayers,
    /// A part of the ModelKit has no usable content.
    NothingToUse {
        /// The sentence that describes it.
        problem: String,
    },
    /// A layer has no files.
    LayerEmpty(LayerPlace<'a>),
    /// Compressing a layer saves less than 3 %.
    CompressionSavesLittle {
        /// The kind of layer.
        kind: &'a str,
        /// The path in the Kitfile.
        path: &'a str,
    },
    /// Files are packed as they are, because they are not notebooks that can be read.
    NotebooksUnreadable(Paths<'a>),
    /// The names of files say that they may contain secrets.
    SecretNames(Paths<'a>),
    /// Addresses in texts contain passwords.
    PasswordsInAddresses {
        /// The first places, each a path and a line.
        places: Vec<&'a str>,
        /// The number of places that are not in `places`.
        more: usize,
    },
    /// Literals in texts may be secrets.
    SecretLiterals {
        /// The first places, each a path and a line.
        places: Vec<&'a str>,
        /// The number of places that are not in `places`.
        more: usize,
    },
    /// Texts in datasets contain what looks like secrets. Each path is followed by a line.
    SecretsInData(Paths<'a>),
    /// Loading files as pickles runs code. Each path is followed by what the file imports.
    DangerousPickles(Paths<'a>),
    /// Texts are too large to be searched for secrets.
    NotSearched {
        /// The first paths, each with its size.
        files: Vec<&'a str>,
        /// The number of files that are not in `files`.
        more: usize,
    },
    /// Files that are to be packed are only pointers of Git LFS.
    OnlyPointers {
        /// The path of the first one.
        path: &'a str,
        /// The number of others in the same layer.
        more: usize,
    },
    /// A folder of code or documents has files that look like weights or data.
    ContentAmongCode {
        /// The kind of layer.
        kind: &'a str,
        /// The path in the Kitfile.
        path: &'a str,
        /// The largest files, each with its size.
        files: Vec<&'a str>,
        /// The number of files that are not in `files`.
        more: usize,
    },
    /// A part or a name in a filter selects nothing, although another one does.
    FilterMatchesNothing {
        /// The part or name, as a filter.
        filter: &'a str,
    },
    /// Files of an earlier version remain in the folder into which a ModelKit was unpacked.
    EarlierFilesRemain(Paths<'a>),
    /// No file of an earlier version is deleted, because the folder has files, but no record of unpacking them.
    NoUnpackRecord {
        /// The folder.
        folder: &'a str,
    },
    /// Files of an earlier version are not deleted because they were changed after they had been unpacked.
    ChangedFilesKept(Paths<'a>),
    /// Files that were changed after they had been unpacked are replaced, because the options say so.
    ChangedFilesReplaced {
        /// The files.
        #[serde(flatten)]
        files: Paths<'a>,
        /// True if nothing was written.
        is_dry_run: bool,
    },
    /// A crash of the machine damaged files that had been unpacked; they were replaced.
    DamagedFilesReplaced {
        /// The number of files.
        files: u64,
    },
    /// A crash of the machine damaged files that had been unpacked.
    DamagedInCrash(Paths<'a>),
    /// Files of the folder belong to no layer of the Kitfile. A folder without any packed file counts as one path.
    FilesNotPacked(Paths<'a>),
    /// The free space may not be enough for all layers.
    LittleSpace {
        /// The folder of the local store.
        folder: &'a Path,
        /// The number of free bytes.
        free_bytes: u64,
        /// The highest number of bytes that may be written.
        needed_bytes: u64,
    },
    /// A remote dataset is not packed; the ModelKit contains its address.
    RemoteDatasetNotPacked {
        /// The name in the Kitfile.
        name: &'a str,
        /// The address.
        address: &'a str,
    },
    /// The model is a reference, which tools for ModelPacks do not follow.
    ReferenceInModelPack {
        /// The reference.
        reference: &'a str,
    },
    /// A raw layer is left out of an image, which consists of tar archives.
    NotInImage {
        /// The path in the Kitfile.
        path: &'a str,
    },
    /// An image has a folder `models` beside other files, and therefore no link of that name.
    ImageHasModelsFolder,
    /// An image has a file `models`, and therefore no link of that name.
    ImageHasModelsFile,
    /// A tag that another form of the ModelKit would have is that of another artifact, and was not copied.
    FormOfAnother {
        /// The tag.
        tag: &'a str,
    },
    /// A tag of another form beside a promoted tag was not moved, and points to a form of another version.
    FormNotMoved {
        /// True if the promotion is a rollback.
        is_rollback: bool,
        /// The tag.
        tag: &'a str,
    },
    /// A remote dataset was not downloaded.
    RemoteDatasetSkipped {
        /// The name in the Kitfile.
        name: &'a str,
        /// The address.
        address: &'a str,
    },
    /// A layer has a type that this version does not know, so it is not unpacked.
    UnknownLayerSkipped {
        /// The media type of the layer.
        media_type: &'a str,
        /// The digest of the layer.
        digest: Digest,
    },
    /// A layer belongs to no entry of the Kitfile, so it is not unpacked.
    LayerNotUnpacked {
        /// The media type of the layer.
        media_type: &'a str,
        /// The digest of the layer.
        digest: Digest,
    },
    /// A layer has a type that this version does not know, so skills are not searched in it.
    UnknownSkillSkipped {
        /// The media type of the layer.
        media_type: &'a str,
        /// The digest of the layer.
        digest: Digest,
    },
    /// A layer belongs to no entry of the Kitfile, so its files are not listed.
    LayerNotListed {
        /// The media type of the layer.
        media_type: &'a str,
        /// The digest of the layer.
        digest: Digest,
    },
    /// The form that a ModelKit is converted to cannot contain a layer.
    LayerLeftOut {
        /// The media type of the layer.
        media_type: &'a str,
        /// The digest of the layer.
        digest: Digest,
    },
    /// An entry of the Kitfile has no layer that can be read.
    EntryNotListed {
        /// The entry, as in `datasets[0]`.
        place: &'a str,
        /// The problem of its layer.
        reason: String,
    },
    /// A remote dataset has an `ETag` but no SHA-256 digest, so only its server can confirm its content.
    OnlyETag {
        /// The address.
        address: &'a str,
    },
    /// Files were listed from the tables of contents of layers, which were not compared with the layers.
    TableNotVerified {
        /// The path of the first layer in the Kitfile.
        path: &'a str,
        /// The number of other layers.
        more: usize,
    },
    /// A symbolic link or a submodule of a repository is not imported.
    LinkNotImported {
        /// The path in the repository.
        path: &'a str,
    },
    /// A setting that looks like a secret is not imported.
    SecretNotImported {
        /// Its kind and name.
        name: &'a str,
    },
    /// The file of an MLflow metric is empty, or has lines that were left out.
    MetricIncomplete {
        /// The path in the folder of the run.
        path: &'a str,
        /// The number of the first invalid line, from 1; none if there are no lines.
        line: Option<usize>,
    },
    /// A layer has no table of contents, because the table would be larger than the limit.
    LayerWithoutTable {
        /// The kind of layer.
        kind: &'a str,
        /// The path in the Kitfile.
        path: &'a str,
    },
    /// A reference has a tag and a digest, and the tag points to another digest. The digest is used.
    TagPointsElsewhere {
        /// The reference without its digest.
        tag: &'a str,
        /// The digest that the tag points to.
        found: &'a Digest,
        /// The digest of the reference.
        used: &'a Digest,
    },
    /// A registry on this machine does not speak https, so http is used.
    PlainHttp {
        /// The registry.
        registry: &'a str,
    },
    /// A tag that was not named was deleted by the registry together with another one, and is restored.
    TagRestored {
        /// The tag.
        tag: &'a str,
    },
    /// The content that is no longer referenced was not deleted.
    SpaceNotFreed {
        /// The error.
        reason: String,
    },
    /// A manifest has more referrers than are read.
    ReferrersCutOff {
        /// The digest of the manifest.
        subject: Digest,
        /// The number of referrers that are read.
        limit: usize,
    },
    /// A repository has more versions, or more layers in all of them, than are read.
    VersionsCutOff {
        /// The repository.
        name: &'a str,
        /// The things that are counted.
        what: &'static str,
        /// The number of things that are read.
        limit: usize,
    },
    /// More files differ than are listed.
    DifferencesCutOff {
        /// The number of files that differ.
        total: usize,
        /// The number of files that are listed.
        limit: usize,
    },
    /// A ModelKit in the lineage, or with a tag of the repository, could not be read.
    Unreadable {
        /// Its name.
        name: &'a str,
        /// The error.
        reason: String,
    },
    /// Records of promotions of a manifest could not be read.
    RecordsUnreadable {
        /// The manifest.
        subject: Digest,
        /// Their number.
        count: usize,
    },
    /// The referrers of a manifest could not be listed.
    ReferrersUnreadable {
        /// The documents that were looked for.
        what: &'static str,
        /// The digest of the manifest.
        subject: Digest,
        /// The error.
        reason: String,
    },
    /// A document could not be attached to the ModelKit.
    NotAttached {
        /// The artifact type of the document.
        artifact_type: &'a str,
        /// The error.
        reason: String,
    },
    /// A referrer or a companion was not saved to the archive.
    ReferrerNotSaved {
        /// The digest of its manifest, or its tag.
        name: &'a str,
        /// The error.
        reason: String,
    },
    /// Referrers of the ModelKit were not copied.
    ReferrersNotCopied {
        /// The number of failures.
        failures: usize,
        /// The first error.
        reason: String,
    },
}
