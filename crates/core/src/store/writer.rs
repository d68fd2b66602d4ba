//! Writes to a store, through the interface of every target.

use std::path::Path;

use super::blob::BlobWriter;
use super::documents::Document;
use super::error::Error;
use super::index::enter;
use super::layout::{Names, Store};
use super::lock::Share;
use super::members::{named_indexes, remove_replaced};
use super::referrers::annotations;
use crate::digest::Digest;
use crate::oci::{
    BlobOutcome, CheckedTables, Companion, Content, ContentError, Descriptor, Need, Publication, Subject, Target,
};

/// A writer to one repository of a store. While it exists, no blob is removed, even if nothing refers to it yet.
pub struct Writer {
    store: Store,
    names: Names,
    _share: Share,
}

/// The entries of a ModelKit in the index: its own, its tables of contents and its provenance.
const MODELKIT_ENTRIES: usize = 3;

impl Store {
    /// Opens a repository for writing, and creates the store if it does not exist. Fails if the index has no space for
    /// a ModelKit with its referrers, before anything is written for it.
    pub fn writer(&self, names: Names) -> Result<Writer, Error> {
        self.check_space(MODELKIT_ENTRIES)?;
        let share = self.prepare().map_err(|error| self.named(error))?;
        Ok(Writer { store: self.clone(), names, _share: share })
    }
}

impl Writer {
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        self.store.root()
    }

    /// Begins a blob whose digest is not known yet and whose size is at least `bytes`.
    pub fn new_blob(&self, bytes: u64) -> Result<BlobWriter, Error> {
        BlobWriter::new(&self.store, bytes).map_err(|error| self.store.named(error))
    }

    /// Adds a manifest that the store already has to the index, under `tag` or without a name.
    pub fn enter(&self, manifest: &Descriptor, tag: Option<&str>) -> Result<(), Error> {
        self.enter_all(&[(manifest.clone(), tag)])
    }

    fn enter_all(&self, manifests: &[(Descriptor, Option<&str>)]) -> Result<(), Error> {
        let entered = self.store.change_index(|entries| {
            let before = named_indexes(&self.names, entries);
            for (manifest, tag) in manifests {
                enter(entries, &self.names, manifest, *tag);
            }
            if matches!(self.names, Names::Of(_)) {
                remove_replaced(&self.store, &self.names, &before, entries);
            }
        });
        entered.map_err(|error| self.store.named(error))
    }
}

impl Target for Writer {
    fn contains(&self, descriptor: &Descriptor) -> Result<bool, ContentError> {
        Ok(self.store.has_blob(descriptor)?)
    }

    fn need(&self, blobs: &[Descriptor]) -> Result<Option<Need>, ContentError> {
        let mut bytes = 0_u64;
        for blob in blobs {
            if self.store.is_written_elsewhere(blob)? {
                // The other process has reserved the space.
                continue;
            }
            bytes = bytes.saturating_add(blob.size - self.store.present_bytes(blob)?);
        }
        Ok(Some(Need { folder: self.store.root().to_owned(), bytes }))
    }

    fn put(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<(), ContentError> {
        self.store.ingest_blob(descriptor, content).map(drop)
    }

    fn is_written_elsewhere(&self, descriptor: &Descriptor) -> Result<bool, ContentError> {
        Ok(self.store.is_written_elsewhere(descriptor)?)
    }

    fn wait_for_writer(&self, descriptor: &Descriptor, look: &dyn Fn(u64)) -> Result<(), ContentError> {
        Ok(self.store.wait_for_writer(descriptor, look)?)
    }

    fn put_from(
        &self,
        descriptor: &Descriptor,
        _origin: Option<&str>,
        content: &dyn Content,
    ) -> Result<BlobOutcome, ContentError> {
        self.store.ingest_blob(descriptor, content)
    }

    fn checked_tables(&self) -> Option<&dyn CheckedTables> {
        self.own_tables()
    }

    fn attached(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        Ok(self.store.referrers(&self.names, subject)?)
    }

    fn companion(&self, subject: &Digest, kind: Companion) -> Result<Option<(Descriptor, Vec<u8>)>, ContentError> {
        self.read_companion(subject, kind)
    }

    fn replace_companion(
        &self,
        (descriptor, manifest): (&Descriptor, &[u8]),
        (subject, kind): (&Digest, Companion),
        old: Option<Digest>,
    ) -> Result<bool, ContentError> {
        self.put_documents(&[(descriptor, &manifest)])?;
        Ok(self.enter_companion(descriptor, (subject, kind), old)?)
    }

    fn put_manifest(&self, descriptor: &Descriptor, manifest: &[u8]) -> Result<(), ContentError> {
        self.put_documents(&[(descriptor, &manifest)])
    }

    fn publish(&self, descriptor: &Descriptor, manifest: &[u8], tag: Option<&str>) -> Result<(), ContentError> {
        self.publish_all(&[Publication { descriptor, manifest, tag, documents: Vec::new() }])
    }

    /// Lists the referrers with one change of the index.
    fn publish_referrers(
        &self,
        _subject: &Subject<'_>,
        referrers: &[(Descriptor, Vec<u8>)],
    ) -> Result<Vec<Result<(), ContentError>>, ContentError> {
        let publications = referrers.iter().map(|(descriptor, manifest)| Publication {
            descriptor,
            manifest,
            tag: None,
            documents: Vec::new(),
        });
        self.publish_all(&publications.collect::<Vec<_>>())?;
        Ok(referrers.iter().map(|_| Ok(())).collect())
    }

    /// Either all publications appear at once or none does. There is one wait for the disk for all documents and
    /// manifests.
    fn publish_all(&self, publications: &[Publication<'_>]) -> Result<(), ContentError> {
        let (mut documents, mut entered): (Vec<Document<'_>>, _) = (Vec::new(), Vec::new());
        for Publication { descriptor, manifest, tag, documents: brought } in publications {
            documents.extend(brought);
            documents.push((descriptor, manifest));
            let annotations = annotations(descriptor, manifest);
            entered.push((Descriptor { annotations, ..(*descriptor).clone() }, *tag));
        }
        self.put_documents(&documents)?;
        Ok(self.enter_all(&entered)?)
    }
}
