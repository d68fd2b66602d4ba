//! A remote source whose layers are verified before any part of them is examined.
//!
//! A scan reads ranges, which have no digests. A registry could answer it with other bytes than those of the layer.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use crate::digest::VerifyingReader;
use crate::oci::{Content, ContentError, Descriptor, Source};
use crate::ops::examined::{Examined, FetchedLayer};

/// A source that fetches each blob into a temporary file without a name, which stays in `examined`.
pub(super) struct VerifiedSource<'a> {
    source: &'a dyn Source,
    /// The folder of the temporary files.
    scratch: PathBuf,
    examined: &'a Examined,
}

impl<'a> VerifiedSource<'a> {
    pub(super) fn new(source: &'a dyn Source, scratch: PathBuf, examined: &'a Examined) -> Self {
        Self { source, scratch, examined }
    }

    /// Fetches a blob, from another place if the first one has other bytes.
    fn fetch(&self, descriptor: &Descriptor) -> Result<File, ContentError> {
        let content = self.source.blob(descriptor);
        loop {
            let mut reader = VerifyingReader::new(content.open_at(0)?, descriptor.digest, descriptor.size);
            let mut file = tempfile::tempfile_in(&self.scratch)?;
            match io::copy(&mut reader, &mut file).map_err(ContentError::from) {
                Ok(_) => return Ok(file),
                Err(ContentError::Mismatch(_)) if content.report_mismatch() => {}
                Err(error) => return Err(error),
            }
        }
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
        let layer = self.examined.to_fetch(descriptor);
        Box::new(VerifiedContent { source: self, descriptor: descriptor.clone(), layer })
    }

    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        self.source.referrers(subject)
    }
}

struct VerifiedContent<'a> {
    source: &'a VerifiedSource<'a>,
    descriptor: Descriptor,
    layer: Arc<FetchedLayer>,
}

impl Content for VerifiedContent<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        self.layer.open_at(offset, || self.source.fetch(&self.descriptor))
    }
}
