//! The contents of an archive: the documents and blobs of ModelKits and of their referrers, and the index that names
//! them.

use std::collections::{BTreeMap, HashSet};

use super::error::BundleError;
use super::save::{Named, Saved};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{Annotations, Companion, Descriptor, Index, Manifest, REF_NAME, Reference, Source};
use crate::ops::artifact::listed_referrers;
use crate::ops::error::{Error, reason};
use crate::ops::session::Located;
use crate::ops::transfer::{CopySet, referrers};
use crate::progress::{Progress, Warning};

/// The annotation with the full name of an entry, which containerd and docker write as well.
pub(super) const IMAGE_NAME: &str = "io.containerd.image.name";
/// An annotation of kit on the index: the manifests whose blobs were left out, separated by commas.
pub(super) const SINCE: &str = "ml.kitops.modelkit.archive.since";
/// An annotation of kit on the index: the digests of the blobs that were left out, separated by commas.
pub(super) const OMITTED: &str = "ml.kitops.modelkit.archive.omitted";

/// A manifest or blob to be written, and the source that has it.
pub(super) struct Piece<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) descriptor: Descriptor,
    /// True if registries serve it as a manifest.
    pub(super) is_manifest: bool,
}

/// The pieces of an archive, without duplicates and sorted by digest.
pub(super) struct List<'a> {
    pub(super) index: Index,
    /// The manifests.
    pub(super) documents: BTreeMap<Digest, Piece<'a>>,
    pub(super) blobs: BTreeMap<Digest, Piece<'a>>,
    /// The size of all documents and blobs together.
    pub(super) bytes: u64,
    modelkits: BTreeMap<Reference, Descriptor>,
    /// The referrers of the ModelKits, sorted by digest.
    attached: BTreeMap<Digest, Descriptor>,
    /// The companions of the ModelKits, by tag and digest.
    companions: BTreeMap<(String, Digest), Descriptor>,
    /// The sizes of the blobs that are left out, because the destination already has them.
    omitted: BTreeMap<Digest, u64>,
}

impl<'a> List<'a> {
    /// Reads the manifests of `modelkits` and of their referrers. Blobs that the manifests of `since` list are left
    /// out.
    pub(super) fn of(modelkits: &'a [Named], since: &[Named], progress: &dyn Progress) -> Result<Self, BundleError> {
        let mut list = Self {
            index: Index::default(),
            documents: BTreeMap::new(),
            blobs: BTreeMap::new(),
            bytes: 0,
            modelkits: BTreeMap::new(),
            attached: BTreeMap::new(),
            companions: BTreeMap::new(),
            omitted: BTreeMap::new(),
        };
        for Named { reference, found } in modelkits {
            list.add(reference, found, progress)?;
        }
        list.omit(since)?;
        list.name_all();
        list.bytes = list.documents.values().chain(list.blobs.values()).map(|piece| piece.descriptor.size).sum();
        Ok(list)
    }

    fn add(&mut self, reference: &Reference, found: &'a Located, progress: &dyn Progress) -> Result<(), BundleError> {
        let source = &*found.source;
        let CopySet { descriptor, members, blobs, .. } = CopySet::read(source, &found.name)?;
        self.add_manifest(source, &descriptor, blobs);
        for (member, _) in &members {
            self.add_manifest(source, member, Vec::new());
            self.add_referrers(source, member, progress)?;
            self.add_companions(source, member, progress);
        }
        let reference = match &reference.tag {
            Some(tag) if reference.digest.is_none() => reference.with_tag(tag.clone()),
            _ => reference.with_digest(descriptor.digest),
        };
        // Only the fields that the bytes determine: a registry and a store describe the same manifest differently.
        let entry = Descriptor::new(descriptor.media_type.clone(), descriptor.digest, descriptor.size);
        self.modelkits.insert(reference, entry);
        self.add_companions(source, &descriptor, progress);
        self.add_referrers(source, &descriptor, progress)
    }

    /// Adds the referrers of `root`, and their referrers in turn. A referrer that cannot be read is left out with a
    /// warning, as when a ModelKit is copied.
    fn add_referrers(
        &mut self,
        source: &'a dyn Source,
        root: &Descriptor,
        progress: &dyn Progress,
    ) -> Result<(), BundleError> {
        let (mut subjects, mut seen) = (vec![root.clone()], HashSet::from([root.digest]));
        while let Some(subject) = subjects.pop() {
            let listed =
                listed_referrers(source, &subject, progress).map_err(|error| Error::reading("its referrers", error))?;
            for descriptor in listed {
                if seen.contains(&descriptor.digest) {
                    continue;
                }
                if seen.len() > limits::REFERRERS {
                    progress.warn(&Warning::ReferrersCutOff { subject: root.digest, limit: limits::REFERRERS });
                    return Ok(());
                }
                seen.insert(descriptor.digest);
                match referrers::read(source, &subject.digest, &descriptor) {
                    Ok(attached) => {
                        self.add_manifest(source, &attached.descriptor, attached.blobs);
                        let entry = Descriptor { annotations: Annotations::new(), ..attached.descriptor };
                        self.attached.insert(entry.digest, entry.clone());
                        subjects.push(entry);
                    }
                    Err(error) => {
                        let (name, reason) = (&*descriptor.digest.to_string(), reason(&error));
                        progress.warn(&Warning::ReferrerNotSaved { name, reason });
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds the companions of `root`. One that cannot be read is left out with a warning.
    fn add_companions(&mut self, source: &'a dyn Source, root: &Descriptor, progress: &dyn Progress) {
        for kind in Companion::ALL {
            let tag = kind.tag(&root.digest);
            let added = source.companions(&root.digest, kind).map_err(|error| error.to_string());
            let added = added.and_then(|found| {
                found
                    .into_iter()
                    .try_for_each(|(descriptor, bytes)| self.add_companion(source, &tag, descriptor, &bytes))
            });
            if let Err(reason) = added {
                progress.warn(&Warning::ReferrerNotSaved { name: &tag, reason });
            }
        }
    }

    fn add_companion(
        &mut self,
        source: &'a dyn Source,
        tag: &str,
        companion: Descriptor,
        bytes: &[u8],
    ) -> Result<(), String> {
        let manifest = Manifest::parse(bytes).map_err(|error| error.to_string())?;
        self.add_manifest(source, &companion, manifest.blobs().cloned().collect());
        self.companions.insert((tag.to_owned(), companion.digest), companion);
        Ok(())
    }

    fn add_manifest(&mut self, source: &'a dyn Source, manifest: &Descriptor, blobs: Vec<Descriptor>) {
        let piece = |descriptor, is_manifest| Piece { source, descriptor, is_manifest };
        self.documents.entry(manifest.digest).or_insert_with(|| piece(manifest.clone(), true));
        for blob in blobs {
            self.blobs.entry(blob.digest).or_insert_with(|| piece(blob, false));
        }
    }

    fn omit(&mut self, since: &[Named]) -> Result<(), BundleError> {
        let mut names = Vec::new();
        for Named { reference, found } in since {
            let there = CopySet::read(&*found.source, &found.name)?;
            names.push(reference.with_digest(there.descriptor.digest).to_string());
            for blob in there.blobs {
                if let Some(piece) = self.blobs.remove(&blob.digest) {
                    self.omitted.insert(blob.digest, piece.descriptor.size);
                }
            }
        }
        if !self.omitted.is_empty() {
            let digests: Vec<_> = self.omitted.keys().map(ToString::to_string).collect();
            names.sort();
            self.index.annotations.insert(SINCE.to_owned(), names.join(","));
            self.index.annotations.insert(OMITTED.to_owned(), digests.join(","));
        }
        Ok(())
    }

    /// Fills the index: the ModelKits by their names, then their referrers, which have no name, as oras writes them,
    /// and their companions by their tags.
    fn name_all(&mut self) {
        let named = self.modelkits.iter().map(|(reference, manifest)| Descriptor {
            annotations: names(reference, self.modelkits.keys()),
            ..manifest.clone()
        });
        let companions = self.companions.iter().map(|((tag, _), companion)| Descriptor {
            annotations: Annotations::from([(REF_NAME.to_owned(), tag.clone())]),
            ..companion.clone()
        });
        self.index.manifests = named.chain(self.attached.values().cloned()).chain(companions).collect();
    }

    pub(super) fn into_saved(self) -> Saved {
        Saved {
            manifests: self.modelkits.into_iter().collect(),
            referrers: self.attached.len() + self.companions.len(),
            bytes: self.bytes,
            omitted_bytes: self.omitted.values().sum(),
        }
    }
}

/// Returns the annotations that name an entry. Other tools look for the tag, so it is used if only one entry has it.
fn names<'r>(reference: &Reference, all: impl Iterator<Item = &'r Reference>) -> Annotations {
    let mut names = Annotations::from([(IMAGE_NAME.to_owned(), reference.to_string())]);
    if let Some(tag) = &reference.tag {
        let is_unique = all.filter(|other| other.tag.as_ref() == Some(tag)).count() == 1;
        let name = if is_unique { tag.to_string() } else { reference.to_string() };
        names.insert(REF_NAME.to_owned(), name);
    }
    names
}
