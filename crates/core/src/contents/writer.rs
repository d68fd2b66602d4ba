//! Writing a table of contents together with its layer.

use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{Receiver, RecvError, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::cutter::Cutter;
use super::entry::{Entry, Kind, Line};
use crate::digest::{Digest, PartDigests};
use crate::limits;
use crate::relative_path::RelativePath;

/// The minimum size of a file that is cut into chunks, in bytes.
const SMALLEST_CUT: u64 = 1024 * 1024;

/// The number of parts of chunks in a table after which no further file is cut into parts: they take 1.5 MB.
const MOST_PARTS: usize = 128 * 1024;

/// The number of entries passed to the thread at once: waking it up for each entry would cost as much as opening a
/// file.
const BATCH: usize = 128;

/// The maximum number of batches that wait for their digests. Each entry takes at least half a KiB of the layer:
/// together more than a hasher holds back, so that the digest of the first entry arrives before the queue is full.
const WAITING: usize = 16 * 1024 / BATCH;

/// Writes a table on a separate thread, because for many small files it takes as long as reading them.
pub struct Writer {
    begun: Option<Begun>,
    /// The placeholder for a digest that is not known yet.
    unknown: Digest,
    ended: Vec<Entry>,
    /// The number of parts of all chunks so far.
    parts: usize,
    batches: SyncSender<Vec<Entry>>,
    table: JoinHandle<io::Result<Option<Vec<u8>>>>,
}

/// A file whose content is being received.
struct Begun {
    entry: Entry,
    cutter: Option<Cutter>,
}

impl Writer {
    /// Creates a writer; `digests` provides the digest of each file some time after its end.
    pub fn new(digests: PartDigests) -> io::Result<Self> {
        let (batches, waiting) = sync_channel(WAITING);
        let table = std::thread::Builder::new().spawn(move || write(&waiting, &digests));
        let table = table.map_err(|error| io::Error::new(error.kind(), format!("cannot start a thread: {error}")))?;
        Ok(Self { begun: None, unknown: Digest::of(&[]), ended: Vec::new(), parts: 0, batches, table })
    }

    /// Adds a folder.
    pub fn folder(&mut self, path: RelativePath, mode: u32) {
        self.enter(Entry { path, mode, kind: Kind::Folder });
    }

    /// Begins a file whose content is at `offset` in the layer.
    pub fn begin(&mut self, path: RelativePath, mode: u32, size: u64, offset: u64) {
        let has_parts = self.parts < MOST_PARTS;
        let cutter = (size >= SMALLEST_CUT).then(|| {
            let cutter = Cutter::new(path.file_name().unwrap_or_default(), size);
            if has_parts { cutter.with_parts(size) } else { cutter }
        });
        let kind = Kind::File { size, offset, digest: self.unknown, pieces: Vec::new() };
        self.begun = Some(Begun { entry: Entry { path, mode, kind }, cutter });
    }

    /// Receives the next bytes of the current file.
    pub fn take(&mut self, bytes: &[u8]) {
        if let Some(Begun { cutter: Some(cutter), .. }) = &mut self.begun {
            cutter.take(bytes);
        }
    }

    /// Ends the current file.
    pub fn end(&mut self) {
        let Some(Begun { mut entry, cutter }) = self.begun.take() else { return };
        if let (Kind::File { pieces, .. }, Some(cutter)) = (&mut entry.kind, cutter) {
            *pieces = cutter.finish();
            self.parts +=
                pieces.iter().filter_map(|piece| piece.parts.as_ref()).map(|parts| parts.count()).sum::<usize>();
        }
        self.enter(entry);
    }

    /// Returns the compressed table, or `None` if it would be larger than [`limits::TABLE_BYTES`]. Waits for the
    /// digests of all files.
    pub fn finish(mut self) -> io::Result<Option<Vec<u8>>> {
        self.pass_on();
        drop(self.batches);
        self.table.join().expect("writing a table does not panic")
    }

    fn enter(&mut self, entry: Entry) {
        self.ended.push(entry);
        if self.ended.len() == BATCH {
            self.pass_on();
        }
    }

    fn pass_on(&mut self) {
        // The receiver is gone only after an error of the thread, which `finish` returns when it joins the thread.
        drop(self.batches.send(std::mem::take(&mut self.ended)));
    }
}

fn write(batches: &Receiver<Vec<Entry>>, digests: &PartDigests) -> io::Result<Option<Vec<u8>>> {
    // Without the buffer the encoder would be slowed down by the many short writes of the JSON serializer.
    let table = zstd::Encoder::new(Bounded::default(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
    let mut table = BufWriter::with_capacity(64 * 1024, table);
    let mut digests = digests.iter().flatten();
    let (mut line, mut entries, mut bytes, mut fits) = (Vec::new(), 0, 0, true);
    for mut entry in batches.iter().flatten() {
        if let Kind::File { digest, .. } = &mut entry.kind {
            *digest = digests.next().ok_or(RecvError).map_err(io::Error::other)?;
        }
        line.clear();
        serde_json::to_writer(&mut line, &Line::from(entry))?;
        line.push(b'\n');
        (entries, bytes) = (entries + 1, bytes + line.len() as u64);
        fits &= entries <= limits::TABLE_ENTRIES
            && bytes <= limits::TABLE_TEXT_BYTES
            && line.len() as u64 <= limits::TABLE_LINE_BYTES;
        if fits {
            table.write_all(&line)?;
        }
    }
    Ok(table.into_inner()?.finish()?.bytes.filter(|_| fits))
}

/// Accepts all bytes, and keeps them unless they exceed the limit.
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
        self.bytes = self.bytes.take().filter(|bytes| (bytes.len() + buffer.len()) as u64 <= limits::TABLE_BYTES);
        if let Some(bytes) = &mut self.bytes {
            bytes.extend_from_slice(buffer);
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
