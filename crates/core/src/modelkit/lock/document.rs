//! What a lock says. Everything in it is in one order, so that equal ModelKits have equal locks.

use crate::digest::Digest;
use crate::kitfile::{self, Kitfile, Section};
use crate::oci::MediaType;
use crate::relative_path::RelativePath;

/// Everything that a ModelKit is made of, by digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The manifest.
    pub manifest: Digest,
    /// What the Kitfile says, see [`kitfile_digest`].
    pub kitfile: Digest,
    /// The ModelKits that the model refers to, sorted by reference.
    pub parents: Vec<LockedParent>,
    /// The datasets that are in no layer, sorted by path and address.
    pub remotes: Vec<LockedRemote>,
    /// The layers, sorted by path and section; a Kitfile has a layer for each of its entries.
    pub layers: Vec<LockedLayer>,
}

/// A ModelKit that the model refers to, perhaps by way of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedParent {
    /// As the Kitfile has it.
    pub reference: String,
    /// The manifest that it led to.
    pub manifest: Digest,
    /// The paths of its layers, sorted: what is there belongs to it, and is in no layer of ours.
    pub paths: Vec<RelativePath>,
}

/// What a dataset is made of that stays where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedRemote {
    /// The path of the dataset, clean.
    pub path: RelativePath,
    /// Where it is: the reference of a ModelKit without its digest, or another address without what may be secret.
    pub address: String,
    /// The file, or the manifest of the ModelKit.
    pub digest: Digest,
    /// In bytes, of the same.
    pub size: u64,
}

/// The layer of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedLayer {
    /// The section of the entry.
    pub section: Section,
    /// The path of the entry, clean.
    pub path: RelativePath,
    /// The name of the entry, perhaps empty.
    pub name: String,
    /// What kind of layer it is.
    pub media_type: MediaType,
    /// The blob.
    pub digest: Digest,
    /// The uncompressed layer, where that is known.
    pub diff_id: Option<Digest>,
    /// The folders that it makes, those above its path too, sorted by path.
    pub folders: Vec<LockedFolder>,
    /// What it holds, sorted by path.
    pub files: Vec<LockedFile>,
}

/// A folder in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedFolder {
    /// Where it is.
    pub path: RelativePath,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
}

/// A file in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedFile {
    /// Where it is in the folder.
    pub path: RelativePath,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// In bytes.
    pub size: u64,
    /// Of its content.
    pub digest: Digest,
}

impl Lock {
    /// Puts `parents`, `remotes`, `layers` and all in them in order.
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
    /// What no other one has.
    pub(super) fn key(&self) -> (RelativePath, String) {
        (self.path.clone(), self.address.clone())
    }
}

/// Stands for what a Kitfile says, however it is written: the digest of the file that `kit unpack` makes of it.
pub fn kitfile_digest(kitfile: &Kitfile) -> Digest {
    Digest::of(kitfile::to_yaml(kitfile).as_bytes())
}
