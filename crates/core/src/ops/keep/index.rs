//! Creating and changing indexes of ModelKits in the local store.

use crate::digest::Digest;
use crate::modelkit::{AnnotationEdit, LabelEdit, Labels, ModelFacts, ModelKitIndex, Variant};
use crate::oci::{Annotations, Descriptor, Reference, Tag, Target};
use crate::ops::artifact::{InspectedIndex, inspect, inspect_index, inspect_index_here};
use crate::ops::collect::collect;
use crate::ops::error::Error;
use crate::ops::files::{facts, weigh};
use crate::ops::index_error::IndexError;
use crate::ops::session::{Located, Location, Lookup, Session, find_index_here};
use crate::ops::transfer::{Carry, CopyOptions, Origins, copy_attached};
use crate::ops::trust::{admit_renaming, requires_attached};
use crate::ops::workers::jobs;
use crate::progress::{Phase, Progress};
use crate::store::{Names, Store, Writer};

/// The changes that are made to each ModelKit when it is added to an index.
#[derive(Debug, Clone, Default)]
pub struct Additions<'a> {
    /// The changes of its labels.
    pub labels: &'a [LabelEdit],
    /// The changes of its annotations.
    pub annotations: &'a [AnnotationEdit],
    /// True if labels are read from the headers of its weights. A label that it already has in the index stays.
    pub detect_labels: bool,
}

/// Creates an index named `name` of `modelkits` in the local store.
pub fn create_index(
    session: &Session<'_>,
    name: &Reference,
    modelkits: &[Reference],
    additions: &Additions<'_>,
) -> Result<Descriptor, Error> {
    let changing = Changing::new(&session.store, name)?;
    let variants = changing.variants(session, modelkits, Lookup::Local, additions)?;
    let mut index = ModelKitIndex::default();
    for variant in variants {
        index.add(variant, additions.labels, additions.annotations);
    }
    changing.replace(None, &index)?.ok_or_else(|| IndexError::NameTaken(name.clone()).into())
}

/// Adds `modelkits`, which are looked up in `place`, to the index `name`.
///
/// If the index already contains a ModelKit, its existing labels and annotations are changed.
pub fn add_to_index(
    session: &Session<'_>,
    name: &Reference,
    modelkits: &[Reference],
    place: Lookup,
    additions: &Additions<'_>,
) -> Result<Descriptor, Error> {
    let changing = Changing::new(&session.store, name)?;
    changing.find()?;
    let variants = changing.variants(session, modelkits, place, additions)?;
    changing.change(|index| {
        for variant in &variants {
            index.add(variant.clone(), additions.labels, additions.annotations);
        }
        Ok(())
    })
}

/// Removes `modelkits` from the index `name`. They stay in the local store.
pub fn remove_from_index(
    store: &Store,
    name: &Reference,
    modelkits: &[Reference],
    progress: &dyn Progress,
) -> Result<Descriptor, Error> {
    let changing = Changing::new(store, name)?;
    let changed = changing.change(|index| {
        for modelkit in modelkits {
            index.remove(&changing.member(index, modelkit)?);
        }
        Ok(())
    })?;
    drop(changing);
    collect(store, progress)?;
    Ok(changed)
}

/// A change of an index in progress. While it exists, the store deletes nothing.
struct Changing<'a> {
    store: &'a Store,
    name: &'a Reference,
    tag: Tag,
    writer: Writer,
}

impl<'a> Changing<'a> {
    fn new(store: &'a Store, name: &'a Reference) -> Result<Self, Error> {
        let writer = store.writer(Names::Of(name.clone()))?;
        Ok(Self { store, name, tag: name.tag.clone().unwrap_or_else(Tag::latest), writer })
    }

    fn find(&self) -> Result<InspectedIndex, Error> {
        let name = self.name.with_tag(self.tag.clone());
        match self.store.find_index(&Names::Of(name.clone()), self.tag.as_str())? {
            // Not by the digest, which another process may replace in between.
            Some(entry) => {
                let descriptor = Descriptor { annotations: Annotations::new(), ..entry.descriptor };
                inspect_index_here(self.store, descriptor, &name.to_string())
            }
            // Fails with the reason.
            None => inspect_index(&find_index_here(self.store, &name)?),
        }
    }

    /// Changes the index, and starts again if another process changed it at the same time.
    fn change(&self, change: impl Fn(&mut ModelKitIndex) -> Result<(), Error>) -> Result<Descriptor, Error> {
        loop {
            let before = self.find()?;
            let mut index = before.index;
            change(&mut index)?;
            if let Some(changed) = self.replace(Some(before.descriptor.digest), &index)? {
                return Ok(changed);
            }
        }
    }

    /// Points the name to `index`; returns `None` if the name no longer points to `old`.
    fn replace(&self, old: Option<Digest>, index: &ModelKitIndex) -> Result<Option<Descriptor>, Error> {
        let (descriptor, bytes) = index.to_bytes();
        self.writer.put_manifest(&descriptor, &bytes).map_err(|error| Error::writing("the index", error))?;
        let is_replaced = self.writer.replace_index(old, &descriptor, self.tag.as_str())?;
        Ok(is_replaced.then_some(descriptor))
    }

    fn variants(
        &self,
        session: &Session<'_>,
        modelkits: &[Reference],
        place: Lookup,
        additions: &Additions<'_>,
    ) -> Result<Vec<Variant>, Error> {
        let variant = |modelkit: &Reference| {
            let is_beside = modelkit.full_repository() == self.name.full_repository();
            if place == Lookup::Remote && !is_beside {
                let (modelkit, index) = (modelkit.to_string(), self.name.to_string());
                return Err(IndexError::OtherRepository { modelkit, index }.into());
            }
            let read = self.variant(session, modelkit, place, additions);
            read.map_err(|source| match source {
                Error::NotHere { reference: modelkit, .. } => IndexError::MemberNotHere(*modelkit).into(),
                source => IndexError::Member { modelkit: modelkit.clone(), source: Box::new(source) }.into(),
            })
        };
        modelkits.iter().map(variant).collect()
    }

    fn variant(
        &self,
        session: &Session<'_>,
        modelkit: &Reference,
        place: Lookup,
        additions: &Additions<'_>,
    ) -> Result<Variant, Error> {
        let found = session.find_reference(modelkit, place)?;
        admit_renaming(session, &found, self.name)?;
        let inspected = inspect(&found)?;
        let manifest = &inspected.modelkit.manifest;
        let size = manifest.layers.iter().map(|layer| layer.size).sum();
        let is_beside = modelkit.full_repository() == self.name.full_repository();
        let tag = modelkit.tag.as_ref().filter(|_| is_beside && modelkit.digest.is_none()).map(ToString::to_string);
        let mut variant = Variant::new(&inspected.descriptor, manifest.artifact_type.clone(), size, tag);
        if additions.detect_labels {
            variant.labels = labels(facts(&weigh(&*found.source, &inspected.modelkit, jobs())?));
        }
        if !is_beside {
            self.bring_attached(session, &found, &inspected.descriptor)?;
        }
        Ok(variant)
    }

    /// Copies what is attached to the ModelKit, which becomes part of the repository of the index.
    fn bring_attached(&self, session: &Session<'_>, found: &Located, modelkit: &Descriptor) -> Result<(), Error> {
        let options = CopyOptions { jobs: 1, origins: Origins::default(), phase: Phase::Copying };
        let carry = Carry::required_if(requires_attached(session, &Location::Artifact(self.name.clone()))?);
        copy_attached((&*found.source, &self.writer), modelkit, (&options, carry), session.progress)
    }

    /// Finds `modelkit` in `index`, by digest, by a name in the store, or by the tag that it had when it was added.
    fn member(&self, index: &ModelKitIndex, modelkit: &Reference) -> Result<Digest, Error> {
        let name = modelkit.selector().unwrap_or_default();
        let here = self.store.find(&Names::Of(modelkit.clone()), &name)?.map(|entry| entry.descriptor.digest);
        let is_beside = modelkit.full_repository() == self.name.full_repository();
        let is_meant = |variant: &&Variant| {
            modelkit
                .digest
                .or(here)
                .map_or(is_beside && variant.original_tag() == Some(&name), |digest| digest == variant.digest)
        };
        let found = index.variants().iter().find(is_meant).map(|variant| variant.digest);
        let missing = || IndexError::NotInIndex {
            index: self.name.to_string(),
            modelkit: modelkit.to_string(),
            variants: index.variants().to_vec(),
        };
        Ok(found.ok_or_else(missing)?)
    }
}

/// The labels for the facts, with the names of the ModelPack config.
fn labels(facts: ModelFacts) -> Labels {
    let ModelFacts { architecture, format, param_size, precision, quantization } = facts;
    let all = [
        ("architecture", architecture),
        ("format", format),
        ("paramSize", param_size),
        ("precision", precision),
        ("quantization", quantization),
    ];
    all.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}
