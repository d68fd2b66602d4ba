//! A source whose names are resolved once and whose documents are read once.
//!
//! A tag may move while a command runs. With this source, every part of a command sees the same manifest, and no
//! document is requested from a registry twice.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::digest::Digest;
use crate::limits;
use crate::oci::{CheckedTables, Companion, Content, ContentError, Descriptor, Manifest, Source, read_document};
use crate::ops::examined::Examined;
use crate::store::FetchedDocuments;

/// A wrapper for a source that keeps the names and documents that the source returned, up to [`MEMORY_LIMIT`].
pub(crate) struct ReadOnce {
    source: Box<dyn Source>,
    /// The documents of earlier commands, if the source is a registry.
    fetched: Option<FetchedDocuments>,
    seen: Mutex<Seen>,
    /// The layers that the command fetched to judge them.
    examined: Option<Examined>,
}

/// The number of bytes that are kept. Documents beyond it are read again when they are needed again; those of a
/// ModelKit have a few kilobytes.
const MEMORY_LIMIT: usize = 16 * 1024 * 1024;

#[derive(Default)]
struct Seen {
    names: HashMap<String, Descriptor>,
    /// The small blobs that the manifests refer to: configs, and the content of referrers.
    blobs: HashSet<Digest>,
    documents: HashMap<Digest, Vec<u8>>,
    bytes: usize,
    /// The documents that a thread is reading, or has read.
    reading: HashMap<Digest, Arc<Mutex<()>>>,
    /// The lists of referrers that were requested and not yet returned.
    lists: HashMap<Digest, Arc<List>>,
}

/// A list of referrers: empty while it is requested, and after it was returned.
type List = OnceLock<Mutex<Option<Result<Vec<Descriptor>, ContentError>>>>;

impl Seen {
    fn keep(&mut self, digest: Digest, document: &[u8]) {
        if self.bytes.saturating_add(document.len()) <= MEMORY_LIMIT {
            self.bytes += document.len();
            self.documents.insert(digest, document.to_vec());
        }
    }

    fn keep_manifest(&mut self, descriptor: &Descriptor, bytes: &[u8]) {
        self.keep(descriptor.digest, bytes);
        // An index has no config. A document that is not a manifest is refused by the caller that parses it.
        if let Ok(manifest) = Manifest::parse(bytes) {
            self.blobs.insert(manifest.config.digest);
            let content = manifest.layers.iter().filter(|_| manifest.subject.is_some());
            let content = content.filter(|layer| layer.size <= limits::FETCHED_DOCUMENT_BYTES);
            self.blobs.extend(content.map(|layer| layer.digest));
        }
    }
}

impl ReadOnce {
    pub(crate) fn new(source: impl Source + 'static) -> Self {
        Self { source: Box::new(source), fetched: None, seen: Mutex::default(), examined: None }
    }

    /// The same, with documents that earlier commands kept. This command keeps more of them.
    pub(crate) fn with(self, fetched: FetchedDocuments) -> Self {
        Self { fetched: Some(fetched), ..self }
    }

    /// The same, with the layers of `examined` instead of those of the source.
    pub(crate) fn with_examined(self, examined: Examined) -> Self {
        Self { examined: Some(examined), ..self }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // The maps are consistent at all times, so a panic in another thread leaves nothing to repair.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the document that an earlier command kept, or reads and keeps it.
    fn fetched_or(
        &self,
        document: &Descriptor,
        read: impl FnOnce() -> Result<Vec<u8>, ContentError>,
    ) -> Result<Vec<u8>, ContentError> {
        let Some(fetched) = &self.fetched else { return read() };
        if let Some(bytes) = fetched.get(document) {
            return Ok(bytes);
        }
        let bytes = read()?;
        fetched.keep(&document.digest, &bytes);
        Ok(bytes)
    }

    /// Requests the referrers of `subject`, or waits for a request that another thread makes.
    fn list(&self, subject: &Descriptor) -> Arc<List> {
        let list = Arc::clone(self.seen().lists.entry(subject.digest).or_default());
        list.get_or_init(|| Mutex::new(Some(self.source.referrers(subject))));
        list
    }

    fn document(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.seen().documents.get(digest).cloned()
    }
}

impl Source for ReadOnce {
    fn resolve(&self, name: &str) -> Result<Descriptor, ContentError> {
        if let Some(descriptor) = self.seen().names.get(name) {
            return Ok(descriptor.clone());
        }
        let (descriptor, bytes) = self.source.read(name)?;
        let mut seen = self.seen();
        seen.keep_manifest(&descriptor, &bytes);
        Ok(seen.names.entry(name.to_owned()).or_insert(descriptor).clone())
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        if let Some(bytes) = self.document(&descriptor.digest) {
            return Ok(bytes);
        }
        let bytes = self.fetched_or(descriptor, || self.source.manifest(descriptor))?;
        self.seen().keep_manifest(descriptor, &bytes);
        Ok(bytes)
    }

    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        let is_document = self.seen().blobs.contains(&descriptor.digest) && descriptor.size <= limits::MANIFEST_BYTES;
        if is_document {
            return Box::new(Document { source: self, descriptor: descriptor.clone() });
        }
        match self.examined.as_ref().and_then(|examined| examined.fetched(descriptor)) {
            Some(fetched) => Box::new(fetched),
            None => self.source.blob(descriptor),
        }
    }

    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        let list = self.list(subject);
        // Referrers may be added while a command runs, so a list serves one call.
        self.seen().lists.remove(&subject.digest);
        let listed = list.get().and_then(|list| list.lock().unwrap_or_else(PoisonError::into_inner).take());
        listed.unwrap_or_else(|| self.source.referrers(subject))
    }

    /// Companions change while a command runs, and each is read once.
    fn companions(&self, subject: &Digest, kind: Companion) -> Result<Vec<(Descriptor, Vec<u8>)>, ContentError> {
        self.source.companions(subject, kind)
    }

    fn list_ahead(&self, subject: &Descriptor) {
        drop(self.list(subject));
    }

    fn read_ahead(&self, document: &Descriptor) {
        if document.size <= limits::FETCHED_DOCUMENT_BYTES {
            self.seen().blobs.insert(document.digest);
            // A failure is left to the reader that needs the document.
            drop(Document { source: self, descriptor: document.clone() }.bytes());
        }
    }

    fn open_ahead(&self, connections: usize) {
        self.source.open_ahead(connections);
    }

    fn is_store(&self) -> bool {
        self.source.is_store()
    }

    fn checked_tables(&self) -> Option<&dyn CheckedTables> {
        self.source.checked_tables()
    }
}

/// A small blob of a manifest that was read before.
struct Document<'a> {
    source: &'a ReadOnce,
    descriptor: Descriptor,
}

impl Document<'_> {
    /// Returns the bytes, once another thread that is reading them is done.
    fn bytes(&self) -> Result<Vec<u8>, ContentError> {
        let digest = self.descriptor.digest;
        let reading = Arc::clone(self.source.seen().reading.entry(digest).or_default());
        let _turn = reading.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = self.source.document(&digest) {
            return Ok(bytes);
        }
        let read = || read_document(&*self.source.source.blob(&self.descriptor), &self.descriptor);
        let bytes = self.source.fetched_or(&self.descriptor, read)?;
        self.source.seen().keep(digest, &bytes);
        Ok(bytes)
    }
}

impl Content for Document<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let bytes = self.bytes()?;
        let start = usize::try_from(offset).map_or(bytes.len(), |offset| offset.min(bytes.len()));
        Ok(Box::new(std::io::Cursor::new(bytes[start..].to_vec())))
    }
}
