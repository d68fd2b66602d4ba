//! Taking in documents: small blobs that come together, for which the disk is waited for once.

use std::io;

use super::disk::{self, Written};
use super::layout::Store;
use super::writer::Writer;
use crate::digest::VerifyingReader;
use crate::oci::{Content, ContentError, Descriptor};

/// A blob, and where its bytes are.
pub type Document<'a> = (&'a Descriptor, &'a dyn Content);

impl Writer {
    /// Puts those of `documents` in their places that are not there, verified, all or none. Each has a file open until then.
    pub fn put_documents(&self, documents: &[Document<'_>]) -> Result<(), ContentError> {
        let mut written: Vec<Written> = Vec::new();
        for document in documents {
            let place = self.store().blob_path(&document.0.digest);
            if written.iter().all(|other| other.place != place) {
                written.extend(self.store().write_document(document)?);
            }
        }
        Ok(disk::place(written)?)
    }
}

impl Store {
    /// Writes a document that is not there.
    pub(super) fn write_document(&self, (document, content): &Document<'_>) -> Result<Option<Written>, ContentError> {
        if self.has_blob(document)? {
            return Ok(None);
        }
        let mut file = self.temporary_file()?;
        io::copy(&mut VerifyingReader::new(content.open_at(0)?, document.digest, document.size), &mut file)?;
        Ok(Some(Written { file, place: self.blob_path(&document.digest) }))
    }
}
