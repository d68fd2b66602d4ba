//! The content of a layer that is partly available locally.

use std::collections::VecDeque;
use std::io::{self, Cursor, Read};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::patch::{AT_A_TIME, Origin, Patch, Stretch};
use super::source::DeltaSource;
use crate::oci::{Content, ContentError, Descriptor};
use crate::ops::workers;

/// The distance in bytes and in stretches within which the next range is requested in advance: a registry does not wait
/// for long. At most one range is requested in advance, because up to eight layers are transferred at the same time and
/// each range takes about 3 MiB of memory.
const BYTES_AHEAD: u64 = 256 * 1024 * 1024;
const STRETCHES_AHEAD: usize = 64;
/// The small ranges that are fetched into memory before the first of them is used: the largest one, and all together.
const SMALL_RANGE_BYTES: u64 = 1024 * 1024;
const SMALL_RANGES_BYTES: u64 = 4 * 1024 * 1024;

/// A layer that is assembled from local and fetched content. If the local content turns out to be wrong, the whole
/// layer is fetched.
pub(super) struct PatchedContent<'s, 'a> {
    delta: &'s DeltaSource<'a>,
    layer: Descriptor,
    plain: Box<dyn Content + 's>,
    /// The patch, created when the layer is opened for the first time.
    patch: OnceLock<Option<Patch>>,
    /// The number of local bytes that were read since the layer was last opened.
    taken_bytes: AtomicU64,
}

impl<'s, 'a> PatchedContent<'s, 'a> {
    pub(super) fn new(delta: &'s DeltaSource<'a>, layer: Descriptor, plain: Box<dyn Content + 's>) -> Self {
        Self { delta, layer, plain, patch: OnceLock::new(), taken_bytes: AtomicU64::new(0) }
    }

    fn patch(&self) -> Option<&Patch> {
        let patch = self.patch.get_or_init(|| self.delta.plan(&self.layer, &*self.plain)).as_ref();
        patch.filter(|_| !self.delta.is_refuted(&self.layer))
    }
}

impl Drop for PatchedContent<'_, '_> {
    fn drop(&mut self) {
        if let Some(Some(patch)) = self.patch.get() {
            self.delta.note_taken(&self.layer, *self.taken_bytes.get_mut(), patch);
        }
    }
}

impl Content for PatchedContent<'_, '_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        self.taken_bytes.store(0, Ordering::Relaxed);
        let Some(patch) = self.patch() else { return self.plain.open_at(offset) };
        let (stretches, has_small_ranges) = (patch.from(offset).collect(), patch.has_small_ranges());
        let fetched = VecDeque::new();
        Ok(Box::new(PatchedReader { content: self, stretches, current: None, next: None, has_small_ranges, fetched }))
    }

    /// Not assembled: planning a patch costs more than a range.
    fn open_range(&self, offset: u64, length: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        self.plain.open_range(offset, length)
    }

    fn knows_ranges(&self) -> Result<bool, ContentError> {
        self.plain.knows_ranges()
    }

    /// The local content is the first suspect; it is not used again for this layer.
    fn report_mismatch(&self) -> bool {
        if self.patch().is_none() {
            return self.plain.report_mismatch();
        }
        self.delta.report_mismatch(&self.layer);
        true
    }
}

struct PatchedReader<'c, 's, 'a> {
    content: &'c PatchedContent<'s, 'a>,
    /// The stretches that are still to be read; the first begins at the next byte.
    stretches: VecDeque<Stretch>,
    /// The reader of the first stretch, once it is open.
    current: Option<Box<dyn Read + Send + 'c>>,
    /// The reader of the next range after it.
    next: Option<Box<dyn Read + Send + 'c>>,
    /// True if several ranges are requested at a time.
    has_small_ranges: bool,
    /// The content of the next ranges.
    fetched: VecDeque<Vec<u8>>,
}

impl<'c> PatchedReader<'c, '_, '_> {
    fn open(&mut self, stretch: Stretch) -> Result<Box<dyn Read + Send + 'c>, ContentError> {
        match stretch.origin {
            Origin::Zeros => Ok(Box::new(io::repeat(0))),
            Origin::Older { layer, offset } => self.content.delta.local_pieces().open(layer, offset),
            Origin::Remote => {
                if let Some(bytes) = self.take_fetched(stretch) {
                    return Ok(Box::new(Cursor::new(bytes)));
                }
                let opened = self.next.take();
                opened.map_or_else(|| self.content.plain.open_range(stretch.offset, stretch.length), Ok)
            }
        }
    }

    /// Returns the content of `stretch`, the first one. If it is not in memory yet, the next small ranges are fetched
    /// together; after a failure they are fetched one after the other.
    fn take_fetched(&mut self, stretch: Stretch) -> Option<Vec<u8>> {
        if self.has_small_ranges && self.next.is_none() && self.fetched.is_empty() {
            let near = self.stretches.iter().filter(|stretch| stretch.is_remote()).copied();
            let mut bytes = 0;
            let ranges: Vec<_> = near
                .take_while(|range| {
                    bytes += range.length;
                    range.length <= SMALL_RANGE_BYTES && bytes <= SMALL_RANGES_BYTES
                })
                .collect();
            let fetched = workers::run(AT_A_TIME, &ranges, |range| {
                let mut bytes = Vec::new();
                let opened = self.content.plain.open_range(range.offset, range.length).map_err(io::Error::other)?;
                opened.take(range.length).read_to_end(&mut bytes).map(|_| bytes)
            });
            self.has_small_ranges = fetched.is_ok();
            self.fetched = fetched.unwrap_or_default().into();
        }
        self.fetched.pop_front().filter(|bytes| bytes.len() as u64 == stretch.length)
    }

    /// Requests the next range, if it is near. After a failure it is requested again when it is needed.
    fn look_ahead(&mut self, current: Stretch) {
        if self.has_small_ranges {
            return;
        }
        let limit = current.end().saturating_add(BYTES_AHEAD);
        let mut near = self.stretches.iter().skip(1).take(STRETCHES_AHEAD).take_while(|next| next.offset < limit);
        if let (None, Some(range)) = (&self.next, near.find(|stretch| stretch.is_remote())) {
            self.next = self.content.plain.open_range(range.offset, range.length).ok();
        }
    }

    fn read_some(&mut self, stretch: Stretch, buffer: &mut [u8]) -> io::Result<usize> {
        if self.current.is_none() {
            self.current = Some(self.open(stretch)?);
            self.look_ahead(stretch);
        }
        let length = usize::try_from(stretch.length).map_or(buffer.len(), |length| length.min(buffer.len()));
        match self.current.as_mut().map_or(Ok(0), |current| current.read(&mut buffer[..length]))? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => Ok(read),
        }
    }

    fn advance(&mut self, stretch: Stretch, read: u64) {
        if !stretch.is_remote() {
            self.content.taken_bytes.fetch_add(read, Ordering::Relaxed);
        }
        if read == stretch.length {
            self.stretches.pop_front();
            self.current = None;
        } else if let Some(first) = self.stretches.front_mut() {
            *first = stretch.behind(stretch.offset + read);
        }
    }

    /// Fetches everything from `reached`.
    fn give_up(&mut self, reached: u64) {
        (self.current, self.next) = (None, None);
        (self.has_small_ranges, self.fetched) = (false, VecDeque::new());
        let length = self.content.layer.size - reached;
        self.stretches = [Stretch { offset: reached, length, origin: Origin::Remote }].into();
    }
}

impl Read for PatchedReader<'_, '_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(&stretch) = self.stretches.front() else { return Ok(0) };
            match self.read_some(stretch, buffer) {
                Ok(read) => {
                    self.advance(stretch, read as u64);
                    return Ok(read);
                }
                Err(error) if stretch.is_remote() || error.kind() == io::ErrorKind::Interrupted => return Err(error),
                // The local content no longer exists.
                Err(_) => self.give_up(stretch.offset),
            }
        }
    }
}
