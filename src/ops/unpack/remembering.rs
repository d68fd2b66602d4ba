//! Reading a blob whose damage is worth more than what it leads to.

use std::io::{self, Read};

use crate::oci::ContentError;
use crate::progress::Task;

/// Counts the bytes of a blob, and remembers why reading it failed. What the archive reader stumbles over may be damage of the blob or a broken
/// connection, and then that is the error to tell.
pub(in crate::ops) struct Remembering<'a, R> {
    pub(in crate::ops) reader: R,
    pub(in crate::ops) task: &'a dyn Task,
    pub(in crate::ops) failure: Option<ContentError>,
}

impl<R: Read> Remembering<'_, R> {
    pub(in crate::ops) fn read_to_end_of_blob(&mut self) -> Result<(), ContentError> {
        let drained = io::copy(self, &mut io::sink());
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => drained.map(drop).map_err(ContentError::from),
        }
    }
}

impl<R: Read> Read for Remembering<'_, R> {
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
