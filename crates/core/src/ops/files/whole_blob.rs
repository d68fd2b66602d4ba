//! Reading a blob completely and verified, where an error of the source takes precedence over the errors that it
//! causes.

use std::io::{self, Read};

use super::table_check::PassingCheck;
use crate::digest::VerifyingReader;
use crate::oci::{ContentError, Descriptor, Source};
use crate::ops::error::Error;
use crate::progress::{Phase, Progress, Task};

/// Passes the whole verified blob of `descriptor` to `read`, and to `check` if there is one, and shows a progress bar
/// named `label`.
///
/// The rest of the blob, if `read` leaves any, is read as well, so the digest is always checked. The outer error is
/// that of the blob, the inner result is that of `read`: a damaged blob or a broken connection is reported as such, and
/// not as the archive error that it causes.
pub(crate) fn read_whole<T>(
    source: &dyn Source,
    descriptor: &Descriptor,
    (phase, label): (Phase, &str),
    progress: &dyn Progress,
    check: Option<&mut PassingCheck>,
    read: impl FnOnce(&mut (dyn Read + Send)) -> T,
) -> Result<T, Error> {
    let failed = |error| Error::reading(label, error);
    let blob = source.blob(descriptor);
    let task = progress.start(phase, label, Some(descriptor.size));
    let opened = blob.open_at(0).map_err(failed)?;
    let verified = verifying(opened, descriptor, check);
    let mut reader = TrackedBlobReader::new(verified, &*task);
    let result = read(&mut reader);
    reader.read_to_end_of_blob().map_err(failed)?;
    Ok(result)
}

/// Returns a reader of `blob`, whose bytes are `opened`, that verifies them and passes them to `check`, if there is one.
/// It must be dropped before the check is finished.
pub(crate) fn verifying<R: Read>(opened: R, blob: &Descriptor, check: Option<&mut PassingCheck>) -> VerifyingReader<R> {
    match check {
        Some(check) => check.verifying(opened, blob),
        None => VerifyingReader::new(opened, blob.digest, blob.size),
    }
}

/// A reader that counts the bytes of a blob and keeps the error that ended it.
pub(crate) struct TrackedBlobReader<'a, R> {
    reader: R,
    task: &'a dyn Task,
    failure: Option<ContentError>,
}

impl<'a, R: Read> TrackedBlobReader<'a, R> {
    pub(crate) fn new(reader: R, task: &'a dyn Task) -> Self {
        Self { reader, task, failure: None }
    }

    /// Reads the rest of the blob and returns the error of the source, if there was one.
    pub(crate) fn read_to_end_of_blob(&mut self) -> Result<(), ContentError> {
        let drained = io::copy(self, &mut io::sink());
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => drained.map(drop).map_err(ContentError::from),
        }
    }
}

impl<R: Read> Read for TrackedBlobReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        match self.reader.read(buffer) {
            Ok(read) => {
                self.task.advance(read as u64);
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.failure = Some(error.into());
                Err(io::Error::other("the blob cannot be read"))
            }
        }
    }
}
