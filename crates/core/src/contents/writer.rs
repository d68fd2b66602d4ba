//! Makes a table while its layer is written.

use std::io::{self, BufWriter, Write};
use std::sync::mpsc::{Receiver, RecvError, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::cutter::Cutter;
use super::entry::{Entry, Kind, Line};
use crate::digest::{Digest, PartDigests};
use crate::relative_path::RelativePath;

/// How many bytes a table has at most: enough for some 200,000 files. Layers with more have none.
pub const SIZE_LIMIT: u64 = 16 * 1024 * 1024;

/// Files of less are not cut into pieces.
const SMALLEST_CUT: u64 = 1024 * 1024;

/// How many entries are handed to the thread at once: to wake it for each would cost as much as opening a file.
const BATCH: usize = 128;

/// How many batches wait for their digests at most. Entries take half a KiB of the layer each, or more: together more than a hasher
/// keeps back, so that the digest of the first one is on its way before there is no room for the last one.
const WAITING: usize = 16 * 1024 / BATCH;

/// A table that is being made, on a thread of its own: of many small files it takes as long as reading them.
pub struct Writer {
    begun: Option<Begun>,
    /// What stands in the place of a digest that is not known yet.
    unknown: Digest,
    ended: Vec<Entry>,
    batches: SyncSender<Vec<Entry>>,
    table: JoinHandle<io::Result<Option<Vec<u8>>>>,
}

/// A file whose content comes.
struct Begun {
    entry: Entry,
    cutter: Option<Cutter>,
}

impl Writer {
    /// `digests` gives the digest of each file some time after its end.
    pub fn new(digests: PartDigests) -> io::Result<Self> {
        let (batches, waiting) = sync_channel(WAITING);
        let table = std::thread::Builder::new().spawn(move || write(&waiting, &digests))?;
        Ok(Self { begun: None, unknown: Digest::of(&[]), ended: Vec::new(), batches, table })
    }

    /// Enters a folder.
    pub fn folder(&mut self, path: RelativePath, mode: u32) {
        self.enter(Entry { path, mode, kind: Kind::Folder });
    }

    /// Begins a file, whose content begins at `offset` of the layer.
    pub fn begin(&mut self, path: RelativePath, mode: u32, size: u64, offset: u64) {
        let cutter = (size >= SMALLEST_CUT).then(|| Cutter::new(path.file_name().unwrap_or_default(), size));
        let kind = Kind::File { size, offset, digest: self.unknown, pieces: Vec::new() };
        self.begun = Some(Begun { entry: Entry { path, mode, kind }, cutter });
    }

    /// Takes the next bytes of the file that was begun.
    pub fn take(&mut self, bytes: &[u8]) {
        if let Some(Begun { cutter: Some(cutter), .. }) = &mut self.begun {
            cutter.take(bytes);
        }
    }

    /// Ends the file that was begun.
    pub fn end(&mut self) {
        let Some(Begun { mut entry, cutter }) = self.begun.take() else { return };
        if let (Kind::File { pieces, .. }, Some(cutter)) = (&mut entry.kind, cutter) {
            *pieces = cutter.finish();
        }
        self.enter(entry);
    }

    /// The table, compressed; none if it would be larger than [`SIZE_LIMIT`]. Waits for the digests of all files.
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
        // Nobody takes them any more only after a failure, which joining tells.
        drop(self.batches.send(std::mem::take(&mut self.ended)));
    }
}

fn write(batches: &Receiver<Vec<Entry>>, digests: &PartDigests) -> io::Result<Option<Vec<u8>>> {
    // The encoder would take longer over the many small pieces that JSON comes in.
    let table = zstd::Encoder::new(Bounded::default(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
    let mut table = BufWriter::with_capacity(64 * 1024, table);
    let mut digests = digests.iter().flatten();
    for mut entry in batches.iter().flatten() {
        if let Kind::File { digest, .. } = &mut entry.kind {
            *digest = digests.next().ok_or(RecvError).map_err(io::Error::other)?;
        }
        serde_json::to_writer(&mut table, &Line::from(entry))?;
        table.write_all(b"\n")?;
    }
    Ok(table.into_inner()?.finish()?.bytes)
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
