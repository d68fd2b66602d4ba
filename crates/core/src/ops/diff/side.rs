//! The two sides of a comparison: a ModelKit, a folder or a lock, with its layers.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::compare::{DiffOptions, LayerRow};
use crate::digest::Digest;
use crate::kitfile::Section;
use crate::layer_format::Format;
use crate::modelkit::{
    Layer, LayerType, Lock, LockedFile, LockedLayer, LockedParent, kind_and_path, kitfile_digest, parent_names,
};
use crate::oci::{Descriptor, Source};
use crate::ops::artifact::{Inspected, Parent, inspect, listed_referrers, model_reference, resolve};
use crate::ops::error::{Error, reason};
use crate::ops::evaluation::evaluations;
use crate::ops::guard::Allowed;
use crate::ops::owners::{self, Ownership, of_folder};
use crate::ops::pack::{PackOptions, find_in_folder};
use crate::ops::session::{Located, Session};
use crate::ops::workers;
use crate::owners::Owners;
use crate::progress::{Progress, Warning};
use crate::provenance::Evaluation;
use crate::relative_path::RelativePath;

/// Something that can be compared.
pub enum Comparable {
    /// A ModelKit.
    ModelKit(Located),
    /// The ModelKit that a folder would become. Single files become raw layers if the other side has raw layers.
    Folder(Box<PackOptions>),
    /// A lock, which lists the contents of a ModelKit.
    Lock(Lock),
}

/// One side of a finished comparison.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The digest of its manifest.
    pub manifest: Digest,
    /// Its documents; `None` only for a lock.
    pub inspected: Option<Inspected>,
}

/// One side, opened.
pub(crate) enum Side {
    ModelKit {
        found: Box<Located>,
        inspected: Box<Inspected>,
        owners: FoundOwners,
        /// Its referrers, once they were needed.
        referrers: OnceLock<Vec<Descriptor>>,
    },
    Lock(Lock),
}

/// The place of the owners of a side.
pub(crate) enum FoundOwners {
    /// They are among the referrers.
    Attached,
    /// They are those of a folder, if it has any.
    InFolder(Option<Owners>),
}

/// A layer of a side.
#[derive(Clone, Copy)]
pub(super) struct SideLayer<'a> {
    pub(super) section: Section,
    pub(super) path: &'a RelativePath,
    pub(super) digest: Digest,
    pub(super) content: Content<'a>,
}

/// The data on the files of a layer.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    /// A blob that can be opened.
    Blob(Blob<'a>),
    /// The list of files in a lock.
    Listed(&'a [LockedFile]),
}

/// A layer that can be opened.
#[derive(Clone, Copy)]
pub(super) struct Blob<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) layer: &'a Layer,
    /// The largest file whose content is read for comparison.
    pub(super) read_limit: u64,
}

/// Opens both sides: ModelKits at the same time, and a folder once the other side is known.
pub(crate) fn open(session: &Session<'_>, first: Comparable, second: Comparable) -> Result<(Side, Side), Error> {
    let inspected = workers::run(2, &[&first, &second], |side| match side {
        Comparable::ModelKit(found) => inspect(found).map(Some),
        Comparable::Folder(_) | Comparable::Lock(_) => Ok(None),
    })?;
    let [one, other]: [Option<Inspected>; 2] = inspected.try_into().expect("two sides give two results");
    let (format, other_format) = (format_of(&first, one.as_ref()), format_of(&second, other.as_ref()));
    let first = open_one(session, first, one, other_format)?;
    Ok((first, open_one(session, second, other, format)?))
}

fn open_one(
    session: &Session<'_>,
    side: Comparable,
    inspected: Option<Inspected>,
    format: Format,
) -> Result<Side, Error> {
    let (found, owners) = match side {
        Comparable::Lock(lock) => return Ok(Side::Lock(lock)),
        Comparable::ModelKit(found) => (found, FoundOwners::Attached),
        Comparable::Folder(pack) => {
            let owners = of_folder(&pack.context)?.map(|(_, owners)| owners);
            let found = find_in_folder(session, &PackOptions { format, allowed: Allowed::ALL, ..*pack })?;
            (found, FoundOwners::InFolder(owners))
        }
    };
    let inspected = Box::new(inspected.map_or_else(|| inspect(&found), Ok)?);
    Ok(Side::ModelKit { found: Box::new(found), inspected, owners, referrers: OnceLock::new() })
}

/// Returns the format in which single files were packed.
fn format_of(side: &Comparable, inspected: Option<&Inspected>) -> Format {
    let has_raw = match (side, inspected) {
        (Comparable::Lock(lock), _) => lock.layers.iter().any(is_raw),
        (_, Some(inspected)) => inspected.modelkit.layers.iter().any(|layer| layer.format == Format::Raw),
        (_, None) => false,
    };
    if has_raw { Format::Raw } else { Format::Tar }
}

fn is_raw(layer: &LockedLayer) -> bool {
    let descriptor = Descriptor::new(layer.media_type.clone(), layer.digest, 0);
    LayerType::of(&descriptor).is_some_and(|layer_type| layer_type.format == Format::Raw)
}

impl Side {
    /// The layers, in the order of the side.
    pub(super) fn layers(&self, options: &DiffOptions) -> Vec<SideLayer<'_>> {
        match self {
            Self::ModelKit { found, inspected, .. } => {
                let read_limit = if found.is_remote { options.remote_limit } else { u64::MAX };
                let blob = |layer| Blob { source: &*found.source, layer, read_limit };
                inspected.modelkit.layers.iter().map(|layer| SideLayer::of_blob(blob(layer))).collect()
            }
            Self::Lock(lock) => lock.layers.iter().map(SideLayer::of_lock).collect(),
        }
    }

    /// A row for every layer, including those that cannot be read.
    pub(super) fn rows(&self) -> Vec<LayerRow> {
        match self {
            Self::ModelKit { inspected, .. } => {
                let others = inspected.modelkit.other_layers().map(|layer| LayerRow {
                    path: kind_and_path(layer).1.unwrap_or_default().to_owned(),
                    ..LayerRow::of(layer)
                });
                let row = |layer: &Layer| LayerRow { path: layer.path.to_string(), ..LayerRow::of(&layer.descriptor) };
                inspected.modelkit.layers.iter().map(row).chain(others).collect()
            }
            Self::Lock(lock) => lock.layers.iter().map(LayerRow::of_lock).collect(),
        }
    }

    /// The digest of the content of the Kitfile.
    pub(super) fn kitfile(&self) -> Digest {
        match self {
            Self::ModelKit { inspected, .. } => kitfile_digest(&inspected.modelkit.config.kitfile),
            Self::Lock(lock) => lock.kitfile,
        }
    }

    /// The ModelKits that its model refers to: in their current state, or as recorded in the lock.
    pub(super) fn parents(&self, session: &Session<'_>) -> Result<BTreeMap<String, Digest>, Error> {
        match self {
            Self::ModelKit { inspected, .. } => {
                let reference = model_reference(&inspected.modelkit);
                let name = inspected.descriptor.digest.to_string();
                let parents =
                    reference.map_or_else(|| Ok(Vec::new()), |reference| resolve(session, &name, reference))?;
                let digest = |parent: &Parent| (parent.reference.to_string(), parent.inspected.descriptor.digest);
                Ok(by_name(parents.iter().map(digest)))
            }
            Self::Lock(lock) => {
                let digest = |parent: &LockedParent| (parent.reference.clone(), parent.manifest);
                Ok(by_name(lock.parents.iter().map(digest)))
            }
        }
    }

    /// The digest of its manifest.
    pub(crate) fn manifest(&self) -> Digest {
        match self {
            Self::ModelKit { inspected, .. } => inspected.descriptor.digest,
            Self::Lock(lock) => lock.manifest,
        }
    }

    /// Adds its owners, if it has any. A lock has none.
    pub(super) fn add_owners(&self, ownership: &mut Ownership, progress: &dyn Progress) {
        let Self::ModelKit { found, inspected, owners, .. } = self else { return };
        let owners = match owners {
            FoundOwners::Attached => {
                owners::read_listed(&*found.source, &inspected.descriptor, self.referrers(progress), progress)
            }
            FoundOwners::InFolder(owners) => owners.clone(),
        };
        ownership.add(owners, &inspected.modelkit.config.kitfile);
    }

    /// Reads the evaluations that are attached to it, the newest first. A folder and a lock have none.
    pub(crate) fn evaluations(&self, progress: &dyn Progress) -> Vec<Evaluation> {
        match self {
            Self::ModelKit { found, inspected, owners: FoundOwners::Attached, .. } => {
                evaluations(&*found.source, &inspected.descriptor, self.referrers(progress), progress)
            }
            Self::ModelKit { .. } | Self::Lock(_) => Vec::new(),
        }
    }

    /// The referrers, which are listed once: a registry takes a request for it. None, after a warning, if it fails.
    fn referrers(&self, progress: &dyn Progress) -> &[Descriptor] {
        let Self::ModelKit { found, inspected, referrers, .. } = self else { return &[] };
        referrers.get_or_init(|| {
            let subject = &inspected.descriptor;
            listed_referrers(&*found.source, subject, progress).unwrap_or_else(|error| {
                let (what, reason) = ("owners and evaluations", reason(&error));
                progress.warn(&Warning::ReferrersUnreadable { what, subject: subject.digest, reason });
                Vec::new()
            })
        })
    }

    /// The data that is reported after the comparison.
    pub(super) fn to_compared(&self) -> Compared {
        let inspected = match self {
            Self::ModelKit { inspected, .. } => Some((**inspected).clone()),
            Self::Lock(_) => None,
        };
        Compared { manifest: self.manifest(), inspected }
    }
}

/// Returns the digests of parents by name. A parent whose pinned digest changed is the same parent with another digest.
fn by_name(parents: impl Iterator<Item = (String, Digest)>) -> BTreeMap<String, Digest> {
    let (references, digests): (Vec<_>, Vec<_>) = parents.unzip();
    let references: Vec<_> = references.iter().map(String::as_str).collect();
    parent_names(&references).into_iter().zip(digests).collect()
}

impl LayerRow {
    /// The row without a path.
    fn of(layer: &Descriptor) -> Self {
        let (digest, size) = (layer.digest, Some(layer.size));
        Self { media_type: layer.media_type.to_string(), path: String::new(), digest, size }
    }

    fn of_lock(layer: &LockedLayer) -> Self {
        let LockedLayer { path, media_type, digest, .. } = layer;
        Self { media_type: media_type.to_string(), path: path.to_string(), digest: *digest, size: None }
    }
}

impl<'a> SideLayer<'a> {
    fn of_blob(blob: Blob<'a>) -> Self {
        let Layer { section, path, descriptor, .. } = blob.layer;
        Self { section: *section, path, digest: descriptor.digest, content: Content::Blob(blob) }
    }

    fn of_lock(layer: &'a LockedLayer) -> Self {
        let LockedLayer { section, path, digest, files, .. } = layer;
        Self { section: *section, path, digest: *digest, content: Content::Listed(files) }
    }

    /// The digest and the path, which are equal for the same layer at the same path. The digest of the uncompressed
    /// layer is not part of it: that of a compressed layer is only a claim of its config.
    pub(super) fn key(&self) -> (Digest, &'a RelativePath) {
        (self.digest, self.path)
    }
}
