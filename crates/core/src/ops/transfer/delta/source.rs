//! A source whose layers are assembled from local older versions, if that is faster.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::content::PatchedContent;
use super::local_pieces::{LocalPieces, Older};
use super::patch::Patch;
use super::planner::{is_worth_a_look, plan};
use crate::digest::Digest;
use crate::oci::{Companion, Content, ContentError, Descriptor, Source};
use crate::ops::files::tables;

/// A source with the content of `source` that fetches less of it.
pub(crate) struct DeltaSource<'a> {
    source: &'a dyn Source,
    older: Older<'a>,
    /// The local content, indexed when the first layer is opened that may use it.
    local_pieces: OnceLock<LocalPieces<'a>>,
    /// The reused content by layer, because a layer may be opened several times.
    taken: Mutex<HashMap<Digest, Taken>>,
    /// The layers whose assembled content did not match their digest.
    refuted: Mutex<HashSet<Digest>>,
}

/// The way to fetch a layer of which an older version is available locally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// Only the parts that differ from the older version, if that is likely to be faster.
    Changes,
    /// The whole layer.
    Everything,
}

/// The content that was not fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// The size in bytes.
    pub bytes: u64,
    /// The ModelKits and folders from which it was read.
    pub names: BTreeSet<String>,
}

impl<'a> DeltaSource<'a> {
    pub(crate) fn new(source: &'a dyn Source, older: Older<'a>) -> Self {
        Self { source, older, local_pieces: OnceLock::new(), taken: Mutex::default(), refuted: Mutex::default() }
    }

    /// The content that was reused so far.
    pub(crate) fn taken(&self) -> Taken {
        locked(&self.taken).values().fold(Taken::default(), |all, of_layer| Taken {
            bytes: all.bytes + of_layer.bytes,
            names: &all.names | &of_layer.names,
        })
    }

    pub(super) fn local_pieces(&self) -> &LocalPieces<'a> {
        self.local_pieces.get_or_init(|| LocalPieces::new(&self.older))
    }

    /// Returns how to assemble `layer`; `None` if fetching it whole from `plain` is better, or if the necessary
    /// documents cannot be read: the fetch then reports the cause.
    pub(super) fn plan(&self, layer: &Descriptor, plain: &dyn Content) -> Option<Patch> {
        if self.is_refuted(layer) || self.local_pieces().is_empty() {
            return None;
        }
        let table = tables::bytes(self.source, layer).ok()??;
        let patch = plan(layer, &table, self.local_pieces())?;
        let can_be_fetched = patch.ranges() == 0 || plain.knows_ranges().ok()?;
        can_be_fetched.then_some(patch)
    }

    /// Records that the assembled layer was wrong: it is fetched whole from now on.
    pub(super) fn report_mismatch(&self, layer: &Descriptor) {
        locked(&self.refuted).insert(layer.digest);
    }

    pub(super) fn is_refuted(&self, layer: &Descriptor) -> bool {
        locked(&self.refuted).contains(&layer.digest)
    }

    /// Records how many bytes of `layer` were reused when it was last read.
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

    fn companions(&self, subject: &Digest, kind: Companion) -> Result<Vec<(Descriptor, Vec<u8>)>, ContentError> {
        self.source.companions(subject, kind)
    }

    fn list_ahead(&self, subject: &Descriptor) {
        self.source.list_ahead(subject);
    }

    fn read_ahead(&self, document: &Descriptor) {
        self.source.read_ahead(document);
    }

    fn open_ahead(&self, connections: usize) {
        self.source.open_ahead(connections);
    }
}
