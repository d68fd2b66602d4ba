//! A remote source whose layers are verified before any part of them is examined.
//!
//! A scan reads ranges, which have no digests. A registry could answer it with other bytes than those of the layer.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::digest::{Digest, VerifyingReader};
use crate::oci::{Content, ContentError, Descriptor, Source};

/// A source that fetches each blob into a temporary file without a name.
pub(super) struct VerifiedSource<'a> {
    source: &'a dyn Source,
    /// The folder of the temporary files.
    scratch: PathBuf,
    blobs: Mutex<HashMap<Digest, Arc<Blob>>>,
}

/// The file of a blob, once it is fetched.
type Blob = Mutex<Option<File>>;

impl<'a> VerifiedSource<'a> {
    pub(super) fn new(source: &'a dyn Source, scratch: PathBuf) -> Self {
        Self { source, scratch, blobs: Mutex::default() }
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<File, ContentError> {
        let content = self.source.blob(descriptor);
        let mut reader = VerifyingReader::new(content.open_at(0)?, descriptor.digest, descriptor.size);
        let mut file = tempfile::tempfile_in(&self.scratch)?;
        io::copy(&mut reader, &mut file)?;
        Ok(file)
    }
}

impl Source for VerifiedSource<'_> {
    fn resolve(&self, name: &str) -> Result<Descriptor, ContentError> {
        self.source.resolve(name)
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        self.source.manifest(descriptor)
    }

    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        let blob = Arc::clone(blobs.entry(descriptor.digest).or_default());
        Box::new(VerifiedContent { source: self, descriptor: descriptor.clone(), blob })
    }

    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        self.source.referrers(subject)
    }
}

struct VerifiedContent<'a> {
    source: &'a VerifiedSource<'a>,
    descriptor: Descriptor,
    blob: Arc<Blob>,
}

impl Content for VerifiedContent<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let mut blob = self.blob.lock().unwrap_or_else(PoisonError::into_inner);
        if blob.is_none() {
            *blob = Some(self.source.fetch(&self.descriptor)?);
        }
        drop(blob);
        Ok(Box::new(At { blob: Arc::clone(&self.blob), position: offset }))
    }
}

/// A reader of a blob that was fetched. Several may read the same file.
struct At {
    blob: Arc<Blob>,
    position: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut blob = self.blob.lock().unwrap_or_else(PoisonError::into_inner);
        let file = blob.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(self.position))?;
        let read = file.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}
