//! A blob that mirrors hold too: read from the first place that gives it, and at the next one from the byte that was reached.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use super::blob::RemoteBlob;
use crate::oci::{Content, ContentError, Descriptor};
use crate::registry::{Error, Repository};

/// A blob in a repository, or in the mirrors of its registry.
pub(in crate::registry) struct AnywhereBlob {
    places: Places,
}

#[derive(Clone)]
struct Places {
    repository: Repository,
    descriptor: Descriptor,
    /// The mirrors that gave bytes since somebody was content with them.
    used: Arc<Mutex<Vec<Repository>>>,
}

impl AnywhereBlob {
    pub(in crate::registry) fn new(repository: Repository, descriptor: Descriptor) -> Self {
        Self { places: Places { repository, descriptor, used: Arc::default() } }
    }
}

impl Content for AnywhereBlob {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        let (reader, mirror) = self.places.open(offset)?;
        Ok(match mirror {
            Some(_) => Box::new(AnywhereReader { places: self.places.clone(), reader, mirror, offset }),
            None => reader,
        })
    }

    /// Nobody knows which of the mirrors gave the wrong bytes, so none of them is asked again.
    fn refute(&self) -> bool {
        let used = std::mem::take(&mut *self.places.used.lock().unwrap_or_else(PoisonError::into_inner));
        for mirror in &used {
            mirror.give_up_mirror(&"it gave other bytes than it should");
        }
        !used.is_empty()
    }
}

/// What a place gives, and which mirror that is, if it is one.
type Opened = (Box<dyn Read + Send>, Option<Repository>);

impl Places {
    fn open(&self, offset: u64) -> Result<Opened, Error> {
        for mirror in self.repository.mirrors() {
            match RemoteBlob::new(mirror.clone(), self.descriptor.clone()).try_open(offset) {
                Ok(reader) => {
                    self.used.lock().unwrap_or_else(PoisonError::into_inner).push(mirror.clone());
                    return Ok((reader, Some(mirror)));
                }
                Err(failure) => mirror.note_failure(&failure),
            }
        }
        let reader = RemoteBlob::new(self.repository.clone(), self.descriptor.clone()).try_open(offset)?;
        Ok((reader, None))
    }
}

struct AnywhereReader {
    places: Places,
    reader: Box<dyn Read + Send>,
    mirror: Option<Repository>,
    /// Where the next byte for the caller stands in the blob.
    offset: u64,
}

impl Read for AnywhereReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let failure = match self.reader.read(buffer) {
                Ok(read) => {
                    self.offset += read as u64;
                    return Ok(read);
                }
                Err(failure) => failure,
            };
            let Some(mirror) = self.mirror.take() else { return Err(failure) };
            mirror.give_up_mirror(&failure);
            (self.reader, self.mirror) = self.places.open(self.offset).map_err(ContentError::from)?;
        }
    }
}
