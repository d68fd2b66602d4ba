//! A place whose layers are put together, as far as that is quicker, with what is here of older versions.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::content::PatchedContent;
use super::local_pieces::{LocalPieces, Older};
use super::patch::Patch;
use super::planner::{is_worth_a_look, plan};
use crate::digest::Digest;
use crate::oci::{Content, ContentError, Descriptor, Source};
use crate::ops::files::tables;

/// Gives what `source` gives, and fetches less for it.
pub(crate) struct DeltaSource<'a> {
    source: &'a dyn Source,
    older: Older<'a>,
    /// Made when the first layer is opened that it may help with.
    local_pieces: OnceLock<LocalPieces<'a>>,
    /// By layer, as one may be opened several times.
    taken: Mutex<HashMap<Digest, Taken>>,
    /// The layers that came out wrong.
    refuted: Mutex<HashSet<Digest>>,
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
    /// The ModelKits and folders that it was taken from.
    pub names: BTreeSet<String>,
}

impl<'a> DeltaSource<'a> {
    pub(crate) fn new(source: &'a dyn Source, older: Older<'a>) -> Self {
        Self { source, older, local_pieces: OnceLock::new(), taken: Mutex::default(), refuted: Mutex::default() }
    }

    /// What was taken so far.
    pub(crate) fn taken(&self) -> Taken {
        locked(&self.taken).values().fold(Taken::default(), |all, of_layer| Taken {
            bytes: all.bytes + of_layer.bytes,
            names: &all.names | &of_layer.names,
        })
    }

    pub(super) fn local_pieces(&self) -> &LocalPieces<'a> {
        self.local_pieces.get_or_init(|| LocalPieces::new(&self.older))
    }

    /// How `layer` is put together; none if it had better be fetched whole from `plain`, or if what is needed to tell cannot be
    /// read: then fetching it tells why.
    pub(super) fn plan(&self, layer: &Descriptor, plain: &dyn Content) -> Option<Patch> {
        if self.is_refuted(layer) || self.local_pieces().is_empty() {
            return None;
        }
        let table = tables::bytes(self.source, layer).ok()??;
        let patch = plan(layer, &table, self.local_pieces())?;
        let can_be_fetched = patch.ranges() == 0 || plain.knows_ranges().ok()?;
        can_be_fetched.then_some(patch)
    }

    /// Hears that a layer was put together wrongly: it is fetched whole from now on.
    pub(super) fn report_mismatch(&self, layer: &Descriptor) {
        locked(&self.refuted).insert(layer.digest);
    }

    pub(super) fn is_refuted(&self, layer: &Descriptor) -> bool {
        locked(&self.refuted).contains(&layer.digest)
    }

    /// Hears how many bytes of `layer` were taken when it was read the last time.
    pub(super) fn note_taken(&self, layer: &Descriptor, bytes: u64, patch: &Patch) {
        if bytes > 0 && !self.is_refuted(layer) {
            let names = patch.older_layers().map(|layer| self.local_pieces().name(layer).to_owned()).collect();
            locked(&self.taken).insert(layer.digest, Taken { bytes, names });
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
