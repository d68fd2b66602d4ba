//! Readers of a part of a file, which count what is read.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use super::member::ReadSeek;

/// The number of bytes that may still be read from the members of a file.
#[derive(Debug, Clone)]
pub(super) struct Budget(Rc<Cell<u64>>);

impl Budget {
    pub(super) fn new(bytes: u64) -> Self {
        Self(Rc::new(Cell::new(bytes)))
    }

    /// Takes `bytes` from the budget, and fails when it is spent.
    pub(super) fn spend(&self, bytes: u64) -> io::Result<()> {
        let left = self.0.get().checked_sub(bytes).ok_or_else(|| io::Error::other(Spent))?;
        self.0.set(left);
        Ok(())
    }

    /// Returns true if `error` says that a budget is spent.
    pub(super) fn is_spent(error: &io::Error) -> bool {
        error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<Spent>)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("its members have more bytes than a scan reads")]
struct Spent;

/// A part of a file.
pub(super) struct Window<'a> {
    inner: &'a mut (dyn ReadSeek + 'a),
    start: u64,
    size: u64,
    position: u64,
    budget: Budget,
}

impl<'a> Window<'a> {
    /// The part with `size` bytes from `start`. It may extend beyond the end of `inner`, where it ends.
    pub(super) fn new(inner: &'a mut (dyn ReadSeek + 'a), start: u64, size: u64, budget: Budget) -> Self {
        Self { inner, start, size, position: 0, budget }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(self.position);
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let Some(place) = self.start.checked_add(self.position).filter(|_| wanted > 0) else { return Ok(0) };
        // Other readers of the same file may have moved it.
        self.inner.seek(SeekFrom::Start(place))?;
        let read = self.inner.read(&mut buffer[..wanted])?;
        self.budget.spend(read as u64)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        self.position = position(target, self.position, self.size)?;
        Ok(self.position)
    }
}

/// Returns the position after a seek in content of `size` bytes.
pub(super) fn position(target: SeekFrom, current: u64, size: u64) -> io::Result<u64> {
    let position = match target {
        SeekFrom::Start(position) => Some(position),
        SeekFrom::Current(offset) => current.checked_add_signed(offset),
        SeekFrom::End(offset) => size.checked_add_signed(offset),
    };
    position.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the position is before the beginning"))
}
