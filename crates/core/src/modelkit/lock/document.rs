//! The content of a lock. Everything in it is sorted, so that equal ModelKits have equal locks.

use crate::digest::Digest;
use crate::kitfile::{self, Kitfile, Section};
use crate::oci::MediaType;
use crate::relative_path::RelativePath;

/// All parts of a ModelKit, by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The manifest.
    pub manifest: Digest,
    /// The digest of the Kitfile's content, see [`kitfile_digest`].
    pub kitfile: Digest,
    /// The ModelKits that the model refers to, sorted by reference.
    pub parents: Vec<LockedParent>,
    /// The datasets without a layer, sorted by path and address.
    pub remotes: Vec<LockedRemote>,
    /// The layers, sorted by path and section; a Kitfile has a layer for each of its entries.
    pub layers: Vec<LockedLayer>,
}

/// A ModelKit that the model refers to, directly or through other ModelKits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedParent {
    /// The reference as the Kitfile contains it.
    pub reference: String,
    /// The manifest that the reference was resolved to.
    pub manifest: Digest,
    /// The paths of its layers, sorted: files at these paths belong to the parent and not to a layer of this ModelKit.
    pub paths: Vec<RelativePath>,
}

/// The content of a remote dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedRemote {
    /// The path of the dataset, normalized.
    pub path: RelativePath,
    /// The location: the reference of a ModelKit without its digest, or another address without parts that may be
    /// secret.
    pub address: String,
    /// The digest of the file, or of the manifest of the ModelKit.
    pub digest: Digest,
    /// The size of the same in bytes; `None` if the Kitfile gives the digest, and the place was not asked.
    pub size: Option<u64>,
}

/// The layer of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedLayer {
    /// The section of the entry.
    pub section: Section,
    /// The path of the entry, normalized.
    pub path: RelativePath,
    /// The name of the entry; may be empty.
    pub name: String,
    /// The media type of the layer.
    pub media_type: MediaType,
    /// The blob.
    pub digest: Digest,
    /// The digest of the uncompressed layer, if it is known.
    pub diff_id: Option<Digest>,
    /// The folders in the layer, including those above its path, sorted by path.
    pub folders: Vec<LockedFolder>,
    /// The files in the layer, sorted by path.
    pub files: Vec<LockedFile>,
}

/// A folder in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedFolder {
    /// The path of the folder.
    pub path: RelativePath,
    /// The permission bits with setuid, setgid and sticky.
    pub mode: u32,
}

/// A file in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedFile {
    /// The path of the file in the unpacked folder.
    pub path: RelativePath,
    /// The permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// The size in bytes.
    pub size: u64,
    /// The digest of the content.
    pub digest: Digest,
}

impl Lock {
    /// Sorts `parents`, `remotes`, `layers` and the lists in them.
    pub fn new(
        manifest: Digest,
        kitfile: Digest,
        mut parents: Vec<LockedParent>,
        mut remotes: Vec<LockedRemote>,
        mut layers: Vec<LockedLayer>,
    ) -> Self {
        for parent in &mut parents {
            parent.paths.sort();
            parent.paths.dedup();
        }
        parents.sort_by(|one, other| one.reference.cmp(&other.reference));
        remotes.sort_by_key(LockedRemote::key);
        remotes.dedup();
        for layer in &mut layers {
            layer.folders.sort_by(|one, other| one.path.cmp(&other.path));
            layer.files.sort_by(|one, other| one.path.cmp(&other.path));
        }
        layers.sort_by(|one, other| (&one.path, one.section).cmp(&(&other.path, other.section)));
        Self { manifest, kitfile, parents, remotes, layers }
    }
}

impl LockedRemote {
    /// The path and the address, which identify a remote dataset.
    pub(super) fn key(&self) -> (RelativePath, String) {
        (self.path.clone(), self.address.clone())
    }
}

/// The digest of the content of a Kitfile, independent of its formatting: the digest of the file that `kit unpack`
/// writes for it.
pub fn kitfile_digest(kitfile: &Kitfile) -> Digest {
    Digest::of(kitfile::to_yaml(kitfile).as_bytes())
}
