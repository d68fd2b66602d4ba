//! Variants of a model: reading an index of ModelKits, and selecting the ModelKit in it that has the requested labels.

use super::inspect::{self, Artifact};
use crate::modelkit::{Label, ModelKit, ModelKitIndex};
use crate::oci::Descriptor;
use crate::ops::error::Error;
use crate::ops::index_error::IndexError;
use crate::ops::session::{Located, Location, Lookup, Session};
use crate::ops::workers;

/// An index of ModelKits.
#[derive(Debug, Clone)]
pub struct InspectedIndex {
    /// The descriptor of the index.
    pub descriptor: Descriptor,
    /// The parsed index.
    pub index: ModelKitIndex,
    /// The bytes of the index as read.
    pub bytes: Vec<u8>,
}

/// Reads the index that was found, but none of its ModelKits.
pub fn inspect_index(found: &Located) -> Result<InspectedIndex, Error> {
    let descriptor = found.source.resolve(&found.name).map_err(|error| Error::reading("the index", error))?;
    let bytes = found.source.manifest(&descriptor).map_err(|error| Error::reading("the index", error))?;
    let index = read(&descriptor, &bytes)?.ok_or_else(|| IndexError::NotAnIndex(found.title.clone()))?;
    Ok(InspectedIndex { descriptor, index, bytes })
}

/// Parses `bytes` as an index of ModelKits; returns `None` if they are something else.
pub(crate) fn read(descriptor: &Descriptor, bytes: &[u8]) -> Result<Option<ModelKitIndex>, Error> {
    ModelKitIndex::read(descriptor, bytes).map_err(Error::NotAManifest)
}

/// Reads the ModelKit that was found, or all ModelKits of the index that was found.
pub(crate) fn modelkits(found: &Located) -> Result<Vec<ModelKit>, Error> {
    let source = &*found.source;
    let descriptor = source.resolve(&found.name).map_err(|error| Error::reading("the manifest", error))?;
    match Artifact::read(source, descriptor, &found.title)? {
        Artifact::ModelKit(inspected) => Ok(vec![inspected.modelkit]),
        Artifact::Index(inspected) => workers::run(workers::jobs(), inspected.index.variants(), |variant| {
            let read = inspect::read(source, variant.descriptor(), &variant.digest.to_string());
            read.map(|inspected| inspected.modelkit)
        }),
    }
}

impl Session<'_> {
    /// Opens the source that holds the ModelKit at `location`; with `labels`, the ModelKit in the index at `location`
    /// that has all of them.
    ///
    /// After a variant was selected and pulled, the local store has that ModelKit under the name of the index. In this
    /// case the index is looked up in the registry.
    pub fn find_labelled(&self, location: &Location, place: Lookup, labels: &[Label]) -> Result<Located, Error> {
        let found = self.find(location, place)?;
        if labels.is_empty() {
            return Ok(found);
        }
        let is_remote = found.is_remote;
        match choose(found, labels) {
            Err(Error::Index(IndexError::NotAnIndex(_)))
                if place == Lookup::Anywhere && !is_remote && location.has_registry() =>
            {
                choose(self.find(location, Lookup::Remote)?, labels)
            }
            chosen => chosen,
        }
    }
}

fn choose(found: Located, labels: &[Label]) -> Result<Located, Error> {
    let inspected = inspect_index(&found)?;
    let variants = inspected.index.variants();
    let fitting: Vec<_> = variants.iter().filter(|variant| variant.labels.have(labels)).collect();
    let labels = || labels.to_vec();
    match &fitting[..] {
        [one] => Ok(Located { name: one.digest.to_string(), ..found }),
        [] => Err(IndexError::NoVariant { index: found.title, labels: labels(), variants: variants.to_vec() }.into()),
        several => Err(IndexError::SeveralVariants {
            index: found.title,
            labels: labels(),
            variants: several.iter().map(|variant| (*variant).clone()).collect(),
        }
        .into()),
    }
}
