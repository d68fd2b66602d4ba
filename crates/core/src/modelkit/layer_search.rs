//! Search for the layer of each entry of a Kitfile.

use std::collections::HashMap;

use super::config::LayerDigests;
use super::form::{Family, LayerType};
use crate::digest::Digest;
use crate::kitfile::Section;
use crate::oci::{Descriptor, MediaType};

/// The reason why an entry of a Kitfile has no layer that can be read. The first two texts are those of KitOps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryProblem {
    /// The manifest does not list the layer.
    #[error("digest {0} not found in manifest")]
    NotInManifest(Digest),
    /// The layer has a type that this version does not know.
    #[error("unrecognized media type {0}")]
    UnknownType(MediaType),
    /// The ModelKit does not contain digests and has fewer layers of a section than entries.
    #[error("it has no layer")]
    NoLayer,
}

/// The layers of a manifest, which can have tens of thousands of them, indexed for the search by entry.
pub(super) struct LayerSearch<'m> {
    family: Family,
    layers: &'m [Descriptor],
    types: Vec<Option<LayerType>>,
    by_digest: HashMap<Digest, Vec<usize>>,
    is_claimed: Vec<bool>,
}

impl<'m> LayerSearch<'m> {
    pub(super) fn new(family: Family, layers: &'m [Descriptor]) -> Self {
        let types = layers.iter().map(LayerType::of).collect();
        let mut by_digest: HashMap<_, Vec<_>> = HashMap::new();
        for (position, layer) in layers.iter().enumerate() {
            by_digest.entry(layer.digest).or_default().push(position);
        }
        Self { family, layers, types, by_digest, is_claimed: vec![false; layers.len()] }
    }

    /// Returns the position and the type of the layer of the next entry in `section`, and claims the layer.
    ///
    /// Entries with equal content share a digest, but each usually has its own layer.
    pub(super) fn find(
        &mut self,
        section: Section,
        digests: Option<&LayerDigests>,
    ) -> Result<(usize, LayerType), EntryProblem> {
        let (position, layer_type) = match digests {
            Some(digests) => self.by_digest(section, digests.digest)?,
            None => (0..self.layers.len())
                .find_map(|position| self.fitting(section, position))
                .ok_or(EntryProblem::NoLayer)?,
        };
        self.is_claimed[position] = true;
        Ok((position, layer_type))
    }

    fn by_digest(&self, section: Section, digest: Digest) -> Result<(usize, LayerType), EntryProblem> {
        let positions = self.by_digest.get(&digest).ok_or(EntryProblem::NotInManifest(digest))?;
        let fitting = positions.iter().find_map(|position| self.fitting(section, *position));
        // The digest is certain. Some registries drop the annotation that marks prompts, and another tool may list a
        // layer only once.
        let known = || positions.iter().find_map(|position| Some((*position, self.types[*position]?)));
        let unknown = || EntryProblem::UnknownType(self.layers[positions[0]].media_type.clone());
        fitting.or_else(known).ok_or_else(unknown)
    }

    /// The layer at `position`, if it is not claimed and has a type for `section`.
    fn fitting(&self, section: Section, position: usize) -> Option<(usize, LayerType)> {
        let layer_type = self.types[position].filter(|_| !self.is_claimed[position])?;
        self.family.may_be(layer_type.section, section).then_some((position, layer_type))
    }

    /// The positions of the layers that no entry has claimed.
    pub(super) fn unclaimed(self) -> Vec<usize> {
        (0..self.layers.len()).filter(|position| !self.is_claimed[*position]).collect()
    }
}
