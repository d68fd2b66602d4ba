//! The bytes of a pickle, read from the front and skipped by seeking.

use std::io::{self, SeekFrom};

use super::halt::Halt;
use crate::scan::member::ReadSeek;

/// The size of the buffer.
const BUFFER: usize = 64 * 1024;

/// A buffered reader that skips without reading.
pub(super) struct Bytes<'a> {
    inner: &'a mut (dyn ReadSeek + 'a),
    size: u64,
    buffer: Vec<u8>,
    /// The place in the buffer.
    at: usize,
    /// The offset of the buffer in the file.
    start: u64,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(inner: &'a mut (dyn ReadSeek + 'a), size: u64) -> Self {
        Self { inner, size, buffer: Vec::new(), at: 0, start: 0 }
    }

    /// The number of bytes before the next one.
    pub(super) fn position(&self) -> u64 {
        self.start + self.at as u64
    }

    /// Continues at `position`.
    pub(super) fn go_to(&mut self, position: u64) {
        self.buffer.clear();
        self.at = 0;
        self.start = position;
    }

    /// Lends the file behind the buffer. Its position does not matter.
    pub(super) fn inner(&mut self) -> &mut dyn ReadSeek {
        &mut *self.inner
    }

    /// Returns the next byte, or none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<u8>> {
        if self.at == self.buffer.len() && !self.fill()? {
            return Ok(None);
        }
        let byte = self.buffer[self.at];
        self.at += 1;
        Ok(Some(byte))
    }

    /// Returns true if no byte is left.
    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.at == self.buffer.len() && !self.fill()?)
    }

    /// Reads a number of `width` bytes, the lowest first.
    pub(super) fn number(&mut self, width: u64) -> Result<u64, Halt> {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        if let Some(bytes) = usize::try_from(width).ok().and_then(|width| rest.get(..width)) {
            self.at += bytes.len();
            return Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)));
        }
        let mut number = 0;
        for place in 0..width {
            number |= u64::from(self.next()?.ok_or_else(Halt::early_end)?) << (8 * place);
        }
        Ok(number)
    }

    pub(super) fn skip(&mut self, count: u64) -> Result<(), Halt> {
        let target = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        if let Some(at) = target.filter(|at| *at <= self.buffer.len()) {
            self.at = at;
            return Ok(());
        }
        let target = self.position().checked_add(count).filter(|target| *target <= self.size);
        self.go_to(target.ok_or_else(Halt::early_end)?);
        Ok(())
    }

    /// Reads `count` bytes into memory.
    pub(super) fn take(&mut self, count: u64) -> Result<Vec<u8>, Halt> {
        let mut taken = Vec::with_capacity(usize::try_from(count).unwrap_or(BUFFER).min(BUFFER));
        while (taken.len() as u64) < count {
            if self.is_at_end()? {
                return Err(Halt::early_end());
            }
            let rest = &self.buffer[self.at..];
            let wanted = usize::try_from(count - taken.len() as u64).map_or(rest.len(), |left| left.min(rest.len()));
            taken.extend_from_slice(&rest[..wanted]);
            self.at += wanted;
        }
        Ok(taken)
    }

    /// Reads a line without its end, and returns none if it is longer than `limit`.
    pub(super) fn line(&mut self, limit: usize) -> Result<Option<Vec<u8>>, Halt> {
        let mut line = Vec::new();
        loop {
            if self.is_at_end()? {
                return Err(Halt::early_end());
            }
            let rest = &self.buffer[self.at..];
            let end = memchr::memchr(b'\n', rest);
            let piece = &rest[..end.unwrap_or(rest.len())];
            // One byte more than the limit distinguishes a long line from one that just fits.
            line.extend_from_slice(&piece[..piece.len().min((limit + 1).saturating_sub(line.len()))]);
            self.at += piece.len();
            if end.is_some() {
                self.at += 1;
                return Ok(Some(line).filter(|line| line.len() <= limit));
            }
        }
    }

    /// Reads the next part of the file, and returns false at its end.
    fn fill(&mut self) -> io::Result<bool> {
        self.start += self.buffer.len() as u64;
        self.at = 0;
        self.buffer.resize(BUFFER, 0);
        self.inner.seek(SeekFrom::Start(self.start))?;
        let read = read_some(self.inner, &mut self.buffer);
        self.buffer.truncate(*read.as_ref().unwrap_or(&0));
        read.map(|read| read > 0)
    }
}

fn read_some(inner: &mut dyn ReadSeek, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match inner.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
