//! A place whose layers are put together, as far as that is quicker, from those of older versions that are here.

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::super::tables;
use super::content::PatchedContent;
use super::patch::Patch;
use super::planner::{is_worth_a_look, plan};
use super::shelf::Shelf;
use crate::oci::{Content, ContentError, Descriptor, Source};

/// Gives what `source` gives, and fetches less for it.
pub(in crate::ops) struct DeltaSource<'a> {
    source: &'a dyn Source,
    here: &'a dyn Source,
    older: Vec<(String, Descriptor)>,
    /// Made when the first layer is opened that it may help with.
    shelf: OnceLock<Shelf<'a>>,
    taken: Mutex<Taken>,
}

/// How a layer comes of which an older version is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// Without what the older version has, if that is likely to be quicker.
    Changes,
    /// Whole.
    Everything,
}

/// What did not have to be fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// In bytes.
    pub bytes: u64,
    /// The ModelKits that it was taken from.
    pub names: BTreeSet<String>,
}

impl<'a> DeltaSource<'a> {
    /// `older` are manifests of ModelKits that are `here`, each with what it is called, in the order in which they are preferred.
    pub(in crate::ops) fn new(source: &'a dyn Source, here: &'a dyn Source, older: Vec<(String, Descriptor)>) -> Self {
        Self { source, here, older, shelf: OnceLock::new(), taken: Mutex::default() }
    }

    /// What was taken so far.
    pub(in crate::ops) fn taken(&self) -> Taken {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn shelf(&self) -> &Shelf<'a> {
        self.shelf.get_or_init(|| Shelf::new(self.here, self.older.clone()))
    }

    /// How `layer` is put together; none if it had better be fetched whole from `plain`, or if what is needed to tell cannot be
    /// read: then fetching it tells why.
    pub(super) fn plan(&self, layer: &Descriptor, plain: &dyn Content) -> Option<Patch> {
        if self.older.is_empty() || self.shelf().is_empty() {
            return None;
        }
        let table = tables::bytes(self.source, layer).ok()??;
        let patch = plan(layer, &table, self.shelf())?;
        let can_be_fetched = patch.ranges() == 0 || plain.knows_ranges().ok()?;
        can_be_fetched.then_some(patch)
    }

    pub(super) fn note_taken(&self, bytes: u64, patch: Option<&Patch>) {
        let Some(patch) = patch.filter(|_| bytes > 0) else { return };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.bytes += bytes;
        taken.names.extend(patch.older_layers().map(|layer| self.shelf().name(layer).to_owned()));
    }
}

impl Source for DeltaSource<'_> {
    fn resolve(&self, name: &str) -> Result<Descriptor, ContentError> {
        self.source.resolve(name)
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        self.source.manifest(descriptor)
    }

    fn blob<'s>(&'s self, descriptor: &Descriptor) -> Box<dyn Content + 's> {
        let plain = self.source.blob(descriptor);
        if !is_worth_a_look(descriptor) {
            return plain;
        }
        Box::new(PatchedContent::new(self, descriptor.clone(), plain))
    }

    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        self.source.referrers(subject)
    }
}
