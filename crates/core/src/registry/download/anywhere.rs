//! A blob that mirrors may have too: it is read from the first server that has it, and continues on the next one at
//! the byte that was reached.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::blob::RemoteBlob;
use crate::oci::{Content, ContentError, Descriptor};
use crate::registry::error::Error;
use crate::registry::repository::Repository;

/// A blob in a repository, or in the mirrors of its registry.
pub(crate) struct AnywhereBlob {
    places: Session,
}

#[derive(Clone)]
struct Session {
    repository: Repository,
    descriptor: Descriptor,
    /// The mirrors that gave bytes since the last report of a mismatch.
    used: Arc<Mutex<Vec<Repository>>>,
}

impl AnywhereBlob {
    pub(crate) fn new(repository: Repository, descriptor: Descriptor) -> Self {
        Self { places: Session { repository, descriptor, used: Arc::default() } }
    }
}

impl Content for AnywhereBlob {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        Ok(self.places.reader(offset..self.places.descriptor.size)?)
    }

    fn open_range(&self, offset: u64, length: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        let end = offset.saturating_add(length).min(self.places.descriptor.size);
        if offset >= end {
            return Ok(Box::new(io::empty()));
        }
        // A registry without range support also sends what follows.
        Ok(Box::new(self.places.reader(offset..end)?.take(end - offset)))
    }

    /// Asks the server that a read would use first.
    fn knows_ranges(&self) -> Result<bool, ContentError> {
        Ok(self.places.knows_ranges()?)
    }

    /// Gives up all mirrors that gave bytes, since it is unknown which of them gave the wrong ones.
    fn report_mismatch(&self) -> bool {
        let used = std::mem::take(&mut *self.places.used.lock().unwrap_or_else(PoisonError::into_inner));
        for mirror in &used {
            mirror.give_up_mirror(&"its content does not match the digest");
        }
        !used.is_empty()
    }
}

/// A reader, and the mirror that it reads from, if it is one.
type Opened = (Box<dyn Read + Send>, Option<Repository>);

impl Session {
    fn reader(&self, range: Range<u64>) -> Result<Box<dyn Read + Send>, Error> {
        let (reader, mirror) = self.open(range.clone())?;
        Ok(match mirror {
            Some(_) => Box::new(AnywhereReader { places: self.clone(), reader, mirror, range }),
            None => reader,
        })
    }

    fn knows_ranges(&self) -> Result<bool, Error> {
        for mirror in self.repository.mirrors() {
            match RemoteBlob::of(&mirror, &self.descriptor).and_then(|blob| blob.knows_ranges()) {
                Ok(knows) => return Ok(knows),
                Err(failure) => mirror.note_failure(&failure),
            }
        }
        RemoteBlob::of(&self.repository, &self.descriptor)?.knows_ranges()
    }

    fn open(&self, range: Range<u64>) -> Result<Opened, Error> {
        for mirror in self.repository.mirrors() {
            match RemoteBlob::of(&mirror, &self.descriptor).and_then(|blob| blob.try_open(range.clone())) {
                Ok(reader) => {
                    self.used.lock().unwrap_or_else(PoisonError::into_inner).push(mirror.clone());
                    return Ok((reader, Some(mirror)));
                }
                Err(failure) => mirror.note_failure(&failure),
            }
        }
        let reader = RemoteBlob::of(&self.repository, &self.descriptor)?.try_open(range)?;
        Ok((reader, None))
    }
}

struct AnywhereReader {
    places: Session,
    reader: Box<dyn Read + Send>,
    mirror: Option<Repository>,
    /// The range of the blob that the caller has not read yet.
    range: Range<u64>,
}

impl Read for AnywhereReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let failure = match self.reader.read(buffer) {
                Ok(read) => {
                    self.range.start += read as u64;
                    return Ok(read);
                }
                Err(failure) => failure,
            };
            let Some(mirror) = self.mirror.take() else { return Err(failure) };
            mirror.give_up_mirror(&failure);
            (self.reader, self.mirror) = self.places.open(self.range.clone()).map_err(ContentError::from)?;
        }
    }
}
