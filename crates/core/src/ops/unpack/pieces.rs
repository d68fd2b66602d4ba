//! Unpacking layers of the store by the pieces that their tables of contents tell of, several at once.
//!
//! SHA-256 over a layer is one stream, which on one core takes twice as long as copying the layer through the page cache. The pieces of a large file
//! have digests of their own, and the table that tells them is named by the manifest: so each piece is read, verified and
//! written on its own.

use std::fs::File;

use super::into_folder::Stop;
use super::layers::{Unpacker, event, title};
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

/// How many bytes a thread takes at once, at the least.
const SPAN_BYTES: u64 = 16 * 1024 * 1024;
/// How large the files of a layer are on average, at the least: of small ones, the plain way takes more in the same time.
const AVERAGE_BYTES: u64 = 64 * 1024;
/// The most members and pieces that a layer may have. The pieces are held in memory, with 32 bytes each.
const MOST_PIECES: u64 = 256 * 1024;

/// A layer of which everything is in the destination but the large files.
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
    /// Where it begins in the layer.
    offset: u64,
    pieces: Vec<Piece>,
    /// None if the file has to come as a whole.
    parts: Option<FileInParts>,
    /// What it may be cloned from then.
    original: Option<File>,
}

/// Some pieces of a large file that are left to be done: all of them if it has to come as a whole.
pub(super) struct Part<'a> {
    layer: &'a LayerInPieces<'a>,
    file: &'a LargeFile,
    /// Where in the file they begin.
    start: u64,
    pieces: &'a [Piece],
}

impl LayerInPieces<'_> {
    /// What is left to be done.
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

/// Neighbouring pieces of [`SPAN_BYTES`] together or a little more.
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
    /// Begins a layer that is quicker by its pieces; none of any other, of which nothing is begun.
    pub(super) fn begin<'a>(
        &self,
        source: &'a dyn Source,
        layer: &'a Layer,
    ) -> Result<Option<LayerInPieces<'a>>, Stop> {
        let size = layer.descriptor.size;
        if !self.by_pieces || layer.compression != Compression::None || size < 2 * SPAN_BYTES {
            return Ok(None);
        }
        let blob = source.blob(&layer.descriptor);
        // Only the store tells of files, and only there somebody has seen that the layer is what its descriptor says. Elsewhere a stranger may have
        // made a table that fits other bytes. What cannot be read here is not needed otherwise.
        let Ok(Some(originals)) = blob.parts() else { return Ok(None) };
        let Ok(Some(table)) = tables::bytes(source, &layer.descriptor) else { return Ok(None) };
        if !is_of_large_files(&table, layer) {
            return Ok(None);
        }
        self.progress.report(&event(layer));
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

/// A layer on its way into the destination.
struct Frame<'a> {
    destination: &'a Destination,
    layer: &'a Layer,
    /// Files that parts of it may be cloned from.
    originals: PartFinder,
}

impl Frame<'_> {
    /// Takes what is in the layer, and begins its large files. None if anything fails or is not what `table` tells; what is wrong then, the plain way
    /// will find out.
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

    /// Begins the file that the layer is.
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
        // They would take more memory than all else.
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

/// Whether most of `layer` is in large files, as its compressed `table` tells. Holds one entry of that in memory at a time.
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
