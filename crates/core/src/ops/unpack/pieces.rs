//! Unpacking layers of the store by the chunks in their tables of contents, several at the same time.
//!
//! SHA-256 over a layer is sequential, which on one core takes twice as long as copying the layer through the page
//! cache. The chunks of a large file have digests of their own, and the manifest contains the digest of the table that
//! lists them: so each chunk can be read, verified and written independently.

use std::fs::File;

use super::into_folder::Stop;
use super::layers::{Unpacker, title};
use crate::archive::{self, Destination, FileInParts, KnownTar, SingleFile};
use crate::compression::Compression;
use crate::contents::{Entry, Kind, Piece, VerifiedPieces};
use crate::digest::VerifyingReader;
use crate::layer_format::Format;
use crate::modelkit::Layer;
use crate::oci::{Content, PartFinder, RangedReader, Source};
use crate::ops::error::Error;
use crate::ops::files::{PLAIN_FILE, tables};
use crate::progress::{Phase, Silent, Task};
use crate::relative_path::RelativePath;

/// The minimum number of bytes that a thread processes at a time.
const SPAN_BYTES: u64 = 16 * 1024 * 1024;
/// The minimum average file size of a layer. For smaller files, sequential unpacking is faster.
const AVERAGE_BYTES: u64 = 64 * 1024;
/// The maximum number of members and chunks of a layer. The chunks are held in memory, with 32 bytes each.
const MOST_PIECES: u64 = 256 * 1024;

/// A layer that is in the destination except for its large files.
pub(super) struct LayerInPieces<'a> {
    layer: &'a Layer,
    blob: Box<dyn Content + 'a>,
    files: Vec<LargeFile>,
    task: Box<dyn Task>,
}

struct LargeFile {
    path: RelativePath,
    mode: u32,
    size: u64,
    /// The offset in the layer.
    offset: u64,
    pieces: Vec<Piece>,
    /// `None` if the file must be written as a whole.
    parts: Option<FileInParts>,
    /// The file that it may be cloned from in that case.
    original: Option<File>,
}

/// Some chunks of a large file that are not written yet; all of its chunks if it must be written as a whole.
pub(super) struct Part<'a> {
    layer: &'a LayerInPieces<'a>,
    file: &'a LargeFile,
    /// The offset of the chunks in the file.
    start: u64,
    pieces: &'a [Piece],
}

impl LayerInPieces<'_> {
    /// The parts that are not written yet.
    pub(super) fn parts(&self) -> Vec<Part<'_>> {
        let mut parts = Vec::new();
        for file in &self.files {
            if file.parts.is_none() {
                parts.push(Part { layer: self, file, start: 0, pieces: &file.pieces });
                continue;
            }
            let mut start = 0;
            for pieces in spans(&file.pieces) {
                parts.push(Part { layer: self, file, start, pieces });
                start += bytes_of(pieces);
            }
        }
        parts
    }
}

/// Groups of adjacent chunks, each of [`SPAN_BYTES`] or slightly more.
fn spans(mut pieces: &[Piece]) -> impl Iterator<Item = &[Piece]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let is_enough = |piece: &Piece| {
            bytes += piece.size;
            bytes >= SPAN_BYTES
        };
        let count = pieces.iter().position(is_enough).map_or(pieces.len(), |last| last + 1);
        let (span, rest) = pieces.split_at(count);
        pieces = rest;
        (!span.is_empty()).then_some(span)
    })
}

fn bytes_of(pieces: &[Piece]) -> u64 {
    pieces.iter().map(|piece| piece.size).sum()
}

impl Unpacker<'_> {
    /// Starts unpacking a layer that is faster to unpack by chunks. For any other layer, does nothing and returns
    /// `None`.
    pub(super) fn begin<'a>(
        &self,
        source: &'a dyn Source,
        layer: &'a Layer,
    ) -> Result<Option<LayerInPieces<'a>>, Stop> {
        let size = layer.descriptor.size;
        if !self.by_pieces
            || !self.options.paths.is_empty()
            || layer.compression != Compression::None
            || size < 2 * SPAN_BYTES
        {
            return Ok(None);
        }
        let blob = source.blob(&layer.descriptor);
        // Only the local store keeps a record. In other places, a third party may have made a table that matches
        // different bytes. Errors are ignored because the layer can be unpacked without its table.
        let is_checked = source.checked_tables().is_some_and(|tables| tables::is_checked(tables, &layer.descriptor));
        if !is_checked || !tables::is_usable(layer) {
            return Ok(None);
        }
        let Ok(Some(originals)) = blob.parts() else { return Ok(None) };
        let Ok(Some(table)) = tables::bytes(source, &layer.descriptor) else { return Ok(None) };
        if !is_of_large_files(&table, layer) {
            return Ok(None);
        }
        let task = self.progress.start(Phase::Unpacking, &title(layer), Some(size));
        let frame = Frame { destination: self.destination, layer, originals };
        let files = frame.take_all_but_large_files(&*blob, &table).ok_or(Stop::Doubted)?;
        task.advance(size - files.iter().map(|file| file.size).sum::<u64>());
        Ok(Some(LayerInPieces { layer, blob, files, task }))
    }

    pub(super) fn unpack_part(&self, part: &Part) -> Result<(), Stop> {
        let Part { layer, file, start, pieces } = *part;
        let (offset, bytes) = (file.offset + start, bytes_of(pieces));
        let opened = layer.blob.open_range(offset, bytes).map_err(|_| Stop::Doubted)?;
        let mut content = VerifiedPieces::new(opened, offset, pieces);
        let extracted = if let Some(in_parts) = &file.parts {
            self.destination.write_part(in_parts, start, bytes, &mut content, &*layer.task)
        } else {
            let original = file.original.as_ref().and_then(|original| original.try_clone().ok());
            let file = SingleFile { path: &file.path, mode: file.mode, size: Some(file.size), original };
            archive::extract_file(content, file, self.destination, &*layer.task).map(drop)
        };
        extracted.map_err(|error| match error {
            archive::Error::ReadLayer { .. } => Stop::Doubted,
            error => Error::Unpack(title(layer.layer), error).into(),
        })
    }
}

/// A layer that is being written to the destination.
struct Frame<'a> {
    destination: &'a Destination,
    layer: &'a Layer,
    /// The files from which parts of it may be cloned.
    originals: PartFinder,
}

impl Frame<'_> {
    /// Writes the contents of the layer except for large files, which are only started. Returns `None` if an error
    /// occurs or the layer does not match `table`; sequential unpacking then finds the cause.
    fn take_all_but_large_files(mut self, blob: &dyn Content, table: &[u8]) -> Option<Vec<LargeFile>> {
        let mut entries = tables::read(table, self.layer).ok()?;
        if self.layer.format == Format::Raw {
            let file = self.begin_only_file(entries.next()?.ok()?)?;
            return entries.next().is_none().then(|| vec![file]);
        }
        let mut tar = KnownTar::new(RangedReader::new(blob, self.layer.descriptor.size));
        let mut large_files = Vec::new();
        for entry in entries {
            let Entry { path, mode, kind } = entry.ok()?;
            match kind {
                Kind::Folder => {
                    tar.next_folder(&path, mode).ok()?;
                    archive::extract_folder(&path, mode, self.destination).ok()?;
                }
                Kind::File { size, offset, digest, pieces } => {
                    tar.next_file(&path, mode, size, offset).ok()?;
                    if pieces.is_empty() {
                        let content = VerifyingReader::new(&mut tar, digest, size);
                        let file = SingleFile { path: &path, mode, size: Some(size), original: None };
                        archive::extract_file(content, file, self.destination, &Silent).ok()?;
                    } else {
                        large_files.push(self.begin_large_file(path, mode, size, offset, pieces)?);
                    }
                }
            }
        }
        tar.finish().ok()?;
        Some(large_files)
    }

    /// Starts the single file of a raw layer.
    fn begin_only_file(&mut self, entry: Entry) -> Option<LargeFile> {
        let Kind::File { size, offset: 0, pieces, .. } = entry.kind else { return None };
        if entry.path != self.layer.path || size != self.layer.descriptor.size {
            return None;
        }
        self.begin_large_file(entry.path, self.layer.file_mode.unwrap_or(PLAIN_FILE), size, 0, pieces)
    }

    fn begin_large_file(
        &mut self,
        path: RelativePath,
        mode: u32,
        size: u64,
        offset: u64,
        mut pieces: Vec<Piece>,
    ) -> Option<LargeFile> {
        // The names of the tensors would need more memory than everything else.
        for piece in &mut pieces {
            piece.tensor = None;
        }
        let original = (self.originals)(offset, size).ok()?;
        let file = SingleFile { path: &path, mode, size: Some(size), original };
        let parts = self.destination.begin_file(&file).ok()?;
        let original = file.original.filter(|_| parts.is_none());
        Some(LargeFile { path, mode, size, offset, pieces, parts, original })
    }
}

/// Returns true if large files make up most of `layer`, according to its compressed `table`. Holds one entry of the
/// table in memory at a time.
fn is_of_large_files(table: &[u8], layer: &Layer) -> bool {
    let size = layer.descriptor.size;
    let (mut members, mut large_bytes, mut piece_count) = (0, 0_u64, 0);
    let Ok(table) = tables::read(table, layer) else { return false };
    for entry in table {
        let Ok(Entry { kind, .. }) = entry else { return false };
        if let Kind::File { size, pieces, .. } = kind
            && !pieces.is_empty()
        {
            large_bytes = large_bytes.saturating_add(size);
            piece_count += pieces.len() as u64;
        }
        members += 1;
        if members > size / AVERAGE_BYTES || members + piece_count > MOST_PIECES {
            return false;
        }
    }
    large_bytes > size / 2
}
