//! Stores documents: small blobs that come together, with at most one wait for the disk.

use std::io;

use super::durability::Written;
use super::layout::Store;
use super::writer::Writer;
use crate::digest::VerifyingReader;
use crate::oci::{Content, ContentError, Descriptor, check_document_size};

/// The descriptor and the content of a document.
pub type Document<'a> = (&'a Descriptor, &'a dyn Content);

impl Writer {
    /// Stores the missing ones of `documents`, verified, all or none. Keeps one file open for each of them until then.
    pub fn put_documents(&self, documents: &[Document<'_>]) -> Result<(), ContentError> {
        for (manifest, _) in documents.iter().filter(|(document, _)| document.media_type.is_manifest()) {
            check_document_size(manifest)?;
        }
        let mut written: Vec<Written> = Vec::new();
        for document in documents {
            let place = self.store().blob_path(&document.0.digest);
            if written.iter().all(|other| other.place != place) {
                written.extend(self.store().write_document(document)?);
            }
        }
        Ok(self.store().place(written)?)
    }
}

impl Store {
    /// Verifies and writes a document, unless the store has it.
    pub(super) fn write_document(&self, (document, content): &Document<'_>) -> Result<Option<Written>, ContentError> {
        if self.has_blob(document)? {
            return Ok(None);
        }
        let mut file = self.pending_file()?;
        io::copy(&mut VerifyingReader::new(content.open_at(0)?, document.digest, document.size), &mut file)?;
        Ok(Some(Written { file, place: self.blob_path(&document.digest) }))
    }
}
