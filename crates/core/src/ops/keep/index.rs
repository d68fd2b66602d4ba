//! Making and changing indexes of ModelKits in the local store.

use crate::digest::Digest;
use crate::modelkit::{LabelEdit, Labels, ModelFacts, ModelKitIndex, Variant};
use crate::oci::{Descriptor, Reference, Tag, Target};
use crate::ops::artifact::{inspect, inspect_index};
use crate::ops::error::Error;
use crate::ops::files::{facts, weigh};
use crate::ops::session::{Located, find_here};
use crate::ops::transfer::{CopyOptions, Origins, copy_referrers};
use crate::ops::workers::jobs;
use crate::progress::{Phase, Progress};
use crate::store::{Names, Store, Writer};

/// Makes an index called `name` of `modelkits` in the local store, each with the labels that its weights tell, changed by `edits`.
pub fn create_index(
    store: &Store,
    name: &Reference,
    modelkits: &[Reference],
    edits: &[LabelEdit],
    progress: &dyn Progress,
) -> Result<Descriptor, Error> {
    let changing = Changing::new(store, name)?;
    let variants = changing.variants(modelkits, progress)?;
    let mut index = ModelKitIndex::default();
    for variant in variants {
        index.add(variant, edits);
    }
    changing.replace(None, &index)?.ok_or_else(|| Error::NameTaken(name.clone()))
}

/// Adds `modelkits` of the local store to the index called `name`, each with the labels that its weights tell, changed by `edits`.
/// Of one that is in the index already, the labels that it has there are changed.
pub fn add_to_index(
    store: &Store,
    name: &Reference,
    modelkits: &[Reference],
    edits: &[LabelEdit],
    progress: &dyn Progress,
) -> Result<Descriptor, Error> {
    let changing = Changing::new(store, name)?;
    let variants = changing.variants(modelkits, progress)?;
    changing.change(|index| {
        for variant in &variants {
            index.add(variant.clone(), edits);
        }
        Ok(())
    })
}

/// Takes `modelkits` out of the index called `name`. Those that have no name of their own are gone from the store then.
pub fn remove_from_index(store: &Store, name: &Reference, modelkits: &[Reference]) -> Result<Descriptor, Error> {
    let changing = Changing::new(store, name)?;
    let changed = changing.change(|index| {
        for modelkit in modelkits {
            index.remove(&changing.member(index, modelkit)?);
        }
        Ok(())
    })?;
    drop(changing);
    store.collect()?;
    Ok(changed)
}

/// An index under change. While it lives, nothing disappears from the store.
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

    /// Changes the index, once more if somebody else was faster.
    fn change(&self, change: impl Fn(&mut ModelKitIndex) -> Result<(), Error>) -> Result<Descriptor, Error> {
        loop {
            let before = inspect_index(&find_here(self.store, self.name)?)?;
            let mut index = before.index;
            change(&mut index)?;
            if let Some(changed) = self.replace(Some(before.descriptor.digest), &index)? {
                return Ok(changed);
            }
        }
    }

    /// Gives the name to `index`; none if it is not at `old`.
    fn replace(&self, old: Option<Digest>, index: &ModelKitIndex) -> Result<Option<Descriptor>, Error> {
        let (descriptor, bytes) = index.to_bytes();
        self.writer.put_manifest(&descriptor, &bytes).map_err(|error| Error::writing("the index", error))?;
        let is_replaced = self.writer.replace_index(old, &descriptor, self.tag.as_str())?;
        Ok(is_replaced.then_some(descriptor))
    }

    fn variants(&self, modelkits: &[Reference], progress: &dyn Progress) -> Result<Vec<Variant>, Error> {
        let variant = |modelkit| {
            self.variant(modelkit, progress)
                .map_err(|source| Error::Member { modelkit: Reference::clone(modelkit), source: Box::new(source) })
        };
        modelkits.iter().map(variant).collect()
    }

    fn variant(&self, modelkit: &Reference, progress: &dyn Progress) -> Result<Variant, Error> {
        let found = find_here(self.store, modelkit)?;
        let inspected = inspect(&found)?;
        let models = weigh(&*found.source, &inspected.modelkit, jobs())?;
        let manifest = &inspected.modelkit.manifest;
        let size = manifest.layers.iter().map(|layer| layer.size).sum();
        let is_beside = modelkit.full_repository() == self.name.full_repository();
        let tag = modelkit.tag.as_ref().filter(|_| is_beside).map(ToString::to_string);
        let mut variant = Variant::new(&inspected.descriptor, manifest.artifact_type.clone(), size, tag);
        variant.labels = labels(facts(&models));
        if !is_beside {
            self.bring_referrers(&found, &inspected.descriptor, progress);
        }
        Ok(variant)
    }

    /// The ModelKit is in the repository of the index from now on, and so is what is about it.
    fn bring_referrers(&self, found: &Located, modelkit: &Descriptor, progress: &dyn Progress) {
        let options = CopyOptions { jobs: 1, origins: Origins::default(), phase: Phase::Copying };
        copy_referrers((&*found.source, &self.writer), modelkit, &options, progress);
    }

    /// What `modelkit` means among those of `index`: a digest, a name in the store, or the tag that it had when it was added.
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
        found.ok_or_else(|| Error::NotInIndex {
            index: self.name.to_string(),
            modelkit: modelkit.to_string(),
            variants: index.variants().to_vec(),
        })
    }
}

/// Under the names that they have in the config of a ModelPack.
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
