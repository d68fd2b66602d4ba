//! Taking in documents: small blobs that come together, for which the disk is waited for once.

use std::io;

use super::Store;
use super::disk::{self, Written};
use crate::digest::VerifyingReader;
use crate::oci::{Content, ContentError, Descriptor};

/// A blob, and where its bytes are.
pub(super) type Document<'a> = (&'a Descriptor, &'a dyn Content);

impl Store {
    /// Puts those of `documents` in their places that are not there, all or none. Each has a file open until then.
    pub(super) fn put_documents(&self, documents: &[Document<'_>]) -> Result<(), ContentError> {
        let mut written: Vec<Written> = Vec::new();
        for (document, content) in documents {
            let place = self.blob_path(&document.digest);
            if written.iter().any(|other| other.place == place) || self.has_blob(document)? {
                continue;
            }
            let mut file = self.temporary_file()?;
            io::copy(&mut VerifyingReader::new(content.open_at(0)?, document.digest, document.size), &mut file)?;
            written.push(Written { file, place });
        }
        Ok(disk::place(written)?)
    }
}
