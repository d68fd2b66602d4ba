//! Variants of a model: reading an index of ModelKits, and selecting the ModelKit in it that has the requested labels.

use tracing::debug;

use super::inspect::{self, Artifact};
use crate::modelkit::{Label, ModelKit, ModelKitIndex, Variant};
use crate::oci::{Descriptor, MediaType};
use crate::ops::error::Error;
use crate::ops::index_error::IndexError;
use crate::ops::session::{Located, Location, Lookup, Session};
use crate::ops::workers;
use crate::progress::Warning;
use crate::store::Store;

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
    let failed = |error| Error::reading("the index", error).of_place(found.is_remote);
    let descriptor = found.source.resolve(&found.name).map_err(failed)?;
    let bytes = found.source.manifest(&descriptor).map_err(failed)?;
    inspected(descriptor, bytes, &found.title)
}

/// Reads the index of ModelKits with this descriptor, whose name is `title`, from the local store. The index may have
/// lost its name in the meantime.
pub(crate) fn inspect_index_here(store: &Store, descriptor: Descriptor, title: &str) -> Result<InspectedIndex, Error> {
    let bytes = store.read_document(&descriptor).map_err(|error| Error::reading("the index", error))?;
    inspected(descriptor, bytes, title)
}

fn inspected(descriptor: Descriptor, bytes: Vec<u8>, title: &str) -> Result<InspectedIndex, Error> {
    let index = read(&descriptor, &bytes)?.ok_or_else(|| IndexError::NotAnIndex(title.to_owned()))?;
    Ok(InspectedIndex { descriptor, index, bytes })
}

/// Parses `bytes` as an index of ModelKits; returns `None` if they are something else.
pub(crate) fn read(descriptor: &Descriptor, bytes: &[u8]) -> Result<Option<ModelKitIndex>, Error> {
    ModelKitIndex::read(descriptor, bytes).map_err(Error::NotAManifest)
}

/// Reads the ModelKit that was found, or all ModelKits of the index that was found.
pub(crate) fn modelkits(found: &Located) -> Result<Vec<ModelKit>, Error> {
    let source = &*found.source;
    let failed = |error: Error| error.of_place(found.is_remote);
    let descriptor = found.resolve()?;
    match Artifact::read(source, descriptor, &found.title).map_err(failed)? {
        Artifact::ModelKit(inspected) => Ok(vec![inspected.modelkit]),
        Artifact::Index(inspected) => workers::run(workers::jobs(), inspected.index.variants(), |variant| {
            let read = inspect::read(source, variant.descriptor(), &variant.digest.to_string()).map_err(failed);
            read.map(|inspected| inspected.modelkit)
        }),
    }
}

impl Session<'_> {
    /// Opens the source that holds the ModelKit at `location`; with `labels`, the ModelKit in the index at `location`
    /// that has all of them. An index of a single ModelKit needs no labels.
    ///
    /// The index and its ModelKit are looked up one after the other: one may be in the local store and the other in the
    /// registry.
    pub fn find_labelled(&self, location: &Location, place: Lookup, labels: &[Label]) -> Result<Located, Error> {
        if !labels.is_empty() {
            return self.find_in(location, place, &choose(&self.find_index(location, place)?, labels)?);
        }
        let found = self.find(location, place)?;
        self.warn_of_other_tag(location, &found);
        match only_variant(&found)? {
            Some(only) => self.find_in(location, place, &only),
            None => Ok(found),
        }
    }

    /// Warns if the tag of `location` points to another digest than the one in `location`, at the place where the
    /// digest was found. The tag is only informative, so a tag that cannot be read is not a failure.
    fn warn_of_other_tag(&self, location: &Location, found: &Located) {
        let Location::Artifact(reference) = location else { return };
        let (Some(_), Some(used)) = (&reference.tag, &reference.digest) else { return };
        let tagged = reference.without_digest();
        let place = if found.is_remote { Lookup::Remote } else { Lookup::Local };
        match self.find_reference(&tagged, place).and_then(|found| found.resolve()) {
            Ok(other) if other.digest != *used => {
                let tag = &tagged.to_string();
                self.progress.warn(&Warning::TagPointsElsewhere { tag, found: &other.digest, used });
            }
            Ok(_) => {}
            Err(error) => debug!(%error, "the tag cannot be compared with the digest"),
        }
    }

    /// Opens the source that holds the `variant` of the index at `location`.
    fn find_in(&self, location: &Location, place: Lookup, variant: &Variant) -> Result<Located, Error> {
        let (index, modelkit) = (location.to_string(), variant.to_string());
        let found = self.find(&location.with_digest(variant.digest), place);
        found.map_err(|error| match error {
            Error::NotHere { .. } => IndexError::Incomplete { index, modelkit }.into(),
            other => other,
        })
    }
}

/// Returns the ModelKit of the index that was found, if it is an index of a single ModelKit.
fn only_variant(found: &Located) -> Result<Option<Variant>, Error> {
    let descriptor = found.resolve()?;
    if descriptor.media_type != MediaType::IMAGE_INDEX {
        return Ok(None);
    }
    let bytes = found.source.manifest(&descriptor).map_err(|error| Error::reading("the manifest", error))?;
    Ok(read(&descriptor, &bytes)?.and_then(|index| match index.variants() {
        [only] => Some(only.clone()),
        _ => None,
    }))
}

fn choose(found: &Located, labels: &[Label]) -> Result<Variant, Error> {
    let inspected = inspect_index(found)?;
    let variants = inspected.index.variants();
    let fitting: Vec<_> = variants.iter().filter(|variant| variant.labels.have(labels)).collect();
    let (index, labels) = (found.title.clone(), labels.to_vec());
    match &fitting[..] {
        [one] => Ok((*one).clone()),
        [] => Err(IndexError::NoVariant { index, labels, variants: variants.to_vec() }.into()),
        several => {
            let variants = several.iter().map(|variant| (*variant).clone()).collect();
            Err(IndexError::SeveralVariants { index, labels, variants }.into())
        }
    }
}
