//! A source from which only a limited number of bytes of blobs is read.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::digest::Digest;
use crate::oci::{Companion, Content, ContentError, Descriptor, Source};

/// A view of a source that fails when more than a given number of bytes is read from its blobs, so that a report on a
/// large ModelKit costs little whatever its layers contain.
pub(super) struct Frugal {
    source: Arc<dyn Source>,
    left: AtomicU64,
}

/// The reason why a blob is not read any further.
#[derive(Debug, thiserror::Error)]
#[error("a report does not read that much of the layers")]
struct ReadEnough;

impl Frugal {
    /// Allows `bytes` of the blobs of `source` to be read.
    pub(super) fn new(source: &Arc<dyn Source>, bytes: u64) -> Self {
        Self { source: Arc::clone(source), left: AtomicU64::new(bytes) }
    }
}

impl Source for Frugal {
    fn resolve(&self, name: &str) -> Result<Descriptor, ContentError> {
        self.source.resolve(name)
    }

    fn read(&self, name: &str) -> Result<(Descriptor, Vec<u8>), ContentError> {
        self.source.read(name)
    }

    fn is_store(&self) -> bool {
        self.source.is_store()
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        self.source.manifest(descriptor)
    }

    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        Box::new(Counted { content: self.source.blob(descriptor), left: &self.left })
    }

    fn referrers(&self, subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        self.source.referrers(subject)
    }

    fn companions(&self, subject: &Digest, kind: Companion) -> Result<Vec<(Descriptor, Vec<u8>)>, ContentError> {
        self.source.companions(subject, kind)
    }

    // No record of checked tables: comparing a table with its layer would read the whole layer.
}

/// Content whose bytes are counted while they are read.
struct Counted<'a> {
    content: Box<dyn Content + 'a>,
    left: &'a AtomicU64,
}

impl Content for Counted<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        Ok(Box::new(CountedReader { reader: self.content.open_at(offset)?, left: self.left }))
    }

    fn open_range(&self, offset: u64, length: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        Ok(Box::new(CountedReader { reader: self.content.open_range(offset, length)?, left: self.left }))
    }

    fn knows_ranges(&self) -> Result<bool, ContentError> {
        self.content.knows_ranges()
    }

    fn report_mismatch(&self) -> bool {
        self.content.report_mismatch()
    }
}

struct CountedReader<'a> {
    reader: Box<dyn Read + Send + 'a>,
    left: &'a AtomicU64,
}

impl Read for CountedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.left.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        if left == 0 && !buffer.is_empty() {
            return Err(io::Error::other(ReadEnough));
        }
        let length = buffer.len().min(left);
        let read = self.reader.read(&mut buffer[..length])?;
        // Threads that read at the same time may together read one buffer too much.
        let after = |left: u64| Some(left.saturating_sub(read as u64));
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after).ok();
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_is_read() {
        let left = AtomicU64::new(6);
        let content = Counted { content: Box::new(&b"0123456789"[..]), left: &left };
        let mut text = String::new();
        content.open_range(2, 4).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "2345");
        let failure = content.open_at(0).unwrap().read_to_string(&mut text).unwrap_err();
        assert_eq!((text.as_str(), failure.to_string().contains("does not read that much")), ("234501", true));
    }
}
