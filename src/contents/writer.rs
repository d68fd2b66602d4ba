//! Makes a table while its layer is written.

use std::collections::VecDeque;
use std::io::{self, Write};

use super::entry::Line;
use super::{Cutter, Entry, Kind};
use crate::digest::{Digest, PartDigests};
use crate::relative_path::RelativePath;

/// How many bytes a table has at most: enough for some 200,000 files. Layers with more have none.
pub const SIZE_LIMIT: u64 = 16 * 1024 * 1024;

/// Files of less are not cut into pieces.
const SMALLEST_CUT: u64 = 1024 * 1024;

/// A table that is being made.
pub struct Writer {
    digests: PartDigests,
    /// The first one is a file whose digest has not come yet; what comes behind it waits, too.
    waiting: VecDeque<Entry>,
    cutter: Option<Cutter>,
    table: zstd::Encoder<'static, Bounded>,
}

impl Writer {
    /// `digests` gives the digest of each file some time after its end.
    pub fn new(digests: PartDigests) -> io::Result<Self> {
        let table = zstd::Encoder::new(Bounded::default(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
        Ok(Self { digests, waiting: VecDeque::new(), cutter: None, table })
    }

    /// Enters a folder.
    pub fn folder(&mut self, path: RelativePath, mode: u32) -> io::Result<()> {
        self.waiting.push_back(Entry { path, mode, kind: Kind::Folder });
        self.enter_known()
    }

    /// Begins a file, whose content begins at `offset` of the layer.
    pub fn begin(&mut self, path: RelativePath, mode: u32, size: u64, offset: u64) {
        let name = path.file_name().unwrap_or_default();
        self.cutter = (size >= SMALLEST_CUT).then(|| Cutter::new(name, size));
        let kind = Kind::File { size, offset, digest: Digest::of(&[]), pieces: Vec::new() };
        self.waiting.push_back(Entry { path, mode, kind });
    }

    /// Takes the next bytes of the file that was begun.
    pub fn take(&mut self, bytes: &[u8]) {
        if let Some(cutter) = &mut self.cutter {
            cutter.take(bytes);
        }
    }

    /// Ends the file that was begun.
    pub fn end(&mut self) -> io::Result<()> {
        let cut = self.cutter.take().map_or_else(Vec::new, Cutter::finish);
        if let Some(Entry { kind: Kind::File { pieces, .. }, .. }) = self.waiting.back_mut() {
            *pieces = cut;
        }
        while let Ok(digest) = self.digests.try_recv() {
            self.enter_file(digest)?;
        }
        Ok(())
    }

    /// The table, compressed; none if it would be larger than [`SIZE_LIMIT`]. Waits for the digests of all files.
    pub fn finish(mut self) -> io::Result<Option<Vec<u8>>> {
        while !self.waiting.is_empty() {
            let digest = self.digests.recv().map_err(io::Error::other)?;
            self.enter_file(digest)?;
        }
        Ok(self.table.finish()?.bytes)
    }

    /// Enters the file at the front, whose digest has come, and the folders behind it.
    fn enter_file(&mut self, came: Digest) -> io::Result<()> {
        if let Some(Entry { kind: Kind::File { digest, .. }, .. }) = self.waiting.front_mut() {
            *digest = came;
            self.enter_first()?;
        }
        self.enter_known()
    }

    /// Enters the folders at the front.
    fn enter_known(&mut self) -> io::Result<()> {
        while self.waiting.front().is_some_and(|entry| entry.kind == Kind::Folder) {
            self.enter_first()?;
        }
        Ok(())
    }

    fn enter_first(&mut self) -> io::Result<()> {
        let Some(entry) = self.waiting.pop_front() else { return Ok(()) };
        serde_json::to_writer(&mut self.table, &Line::from(entry))?;
        self.table.write_all(b"\n")
    }
}

/// Takes everything, and keeps it as long as it is not too much.
struct Bounded {
    bytes: Option<Vec<u8>>,
}

impl Default for Bounded {
    fn default() -> Self {
        Self { bytes: Some(Vec::new()) }
    }
}

impl Write for Bounded {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.bytes = self.bytes.take().filter(|bytes| (bytes.len() + buffer.len()) as u64 <= SIZE_LIMIT);
        if let Some(bytes) = &mut self.bytes {
            bytes.extend_from_slice(buffer);
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
