//! Cutting old files into chunks again, if their chunks are not known or were cut in a different way.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::io::{self, Read};

use super::local_pieces::{LocalPieces, OldFile, OldPiece};
use crate::contents::{Cutter, Part, Piece, PieceDigest};
use crate::relative_path::RelativePath;

/// The size of the sample of a file that is cut first: this number of bytes, and this part of a larger file. If hardly
/// any of it matches, little else will.
const SAMPLE_BYTES: u64 = 4 * 1024 * 1024;
const SAMPLE_PART: u64 = 64;
/// The part of a sample that must match. The header of weights is the same regardless of their training.
const FOUND_PART: u64 = 16;
/// The maximum part of a layer that is cut in vain: this takes a few hundredths of the time to fetch the layer from a
/// nearby registry.
const PATIENCE_PART: u64 = 16;

/// Reads old files as long as this finds matches.
pub(super) struct Rechunker<'a> {
    local_pieces: &'a LocalPieces<'a>,
    /// The number of bytes that may still be read in vain.
    patience: u64,
}

impl<'a> Rechunker<'a> {
    /// Creates a rechunker for a layer of `size` bytes.
    pub(super) fn new(local_pieces: &'a LocalPieces<'a>, size: u64) -> Self {
        Self { local_pieces, patience: size / PATIENCE_PART + 2 * SAMPLE_BYTES }
    }

    /// Returns the chunks of the old version of the file `path`, if it was not cut like the new one, which has `size`
    /// bytes and consists of `wanted`.
    pub(super) fn pieces_of(
        &mut self,
        path: &RelativePath,
        size: u64,
        wanted: &[Piece],
    ) -> HashMap<PieceDigest, OldPiece> {
        let Some(old) = self.local_pieces.version_of(path) else { return HashMap::new() };
        let is_by_tensor = wanted.iter().any(|piece| piece.tensor.is_some());
        if old.is_cut && (is_by_tensor || Cutter::cuts_alike(old.size, size)) {
            return HashMap::new();
        }
        let known = wanted.iter().map(|piece| piece.digest).collect();
        let cutter = || Cutter::like(path.file_name().unwrap_or_default(), old.size, size);
        self.find(old, &known, first_tensor(wanted), |length| {
            let pieces = cut(self.local_pieces, old, length, cutter())?;
            Ok(pieces.map(|(piece, found)| (piece.digest, found)).collect())
        })
    }

    /// Returns the parts of chunks in the old version of the file `path`, if the new one, which has `size` bytes,
    /// consists of `wanted`.
    pub(super) fn parts_of(&mut self, path: &RelativePath, size: u64, wanted: &[Piece]) -> HashMap<Part, OldPiece> {
        let Some(old) = self.local_pieces.version_of(path) else { return HashMap::new() };
        let known: HashSet<Part> = wanted.iter().flat_map(parts).collect();
        if known.is_empty() {
            return HashMap::new();
        }
        let cutter = || Cutter::like(path.file_name().unwrap_or_default(), old.size, size).with_parts(size);
        self.find(old, &known, 0, |length| {
            let pieces = cut(self.local_pieces, old, length, cutter())?;
            Ok(pieces.flat_map(|(piece, found)| places(&piece, found)).collect())
        })
    }

    /// Returns those of the `wanted` that `cut` finds in the first bytes of `old`; in all of them, if it finds enough
    /// in a sample.
    fn find<K: Eq + Hash>(
        &mut self,
        old: &OldFile,
        wanted: &HashSet<K>,
        first_tensor: u64,
        cut: impl Fn(u64) -> io::Result<HashMap<K, OldPiece>>,
    ) -> HashMap<K, OldPiece> {
        let sample = old.size.min(first_tensor.max(old.size / SAMPLE_PART) + SAMPLE_BYTES);
        if sample > self.patience {
            return HashMap::new();
        }
        let cut = |length| {
            let mut found = cut(length).unwrap_or_default();
            found.retain(|it, _| wanted.contains(it));
            found
        };
        let found = cut(sample);
        if found.values().map(|piece| piece.size).sum::<u64>() < sample / FOUND_PART {
            self.patience -= sample;
            return HashMap::new();
        }
        if sample < old.size { cut(old.size) } else { found }
    }
}

/// The parts of a chunk.
pub(super) fn parts(piece: &Piece) -> impl Iterator<Item = Part> + '_ {
    piece.parts.iter().flat_map(|parts| parts.iter())
}

/// The parts of `piece` with their places, if it is at `at`.
fn places(piece: &Piece, mut at: OldPiece) -> Vec<(Part, OldPiece)> {
    let place = |part: Part| {
        at.size = part.size.into();
        let place = at;
        at.offset += at.size;
        (part, place)
    };
    parts(piece).map(place).collect()
}

/// The end of the first tensor; 0 without tensors.
fn first_tensor(pieces: &[Piece]) -> u64 {
    let first = pieces.iter().position(|piece| piece.tensor.is_some()).map_or(0, |first| first + 1);
    pieces[..first].iter().map(|piece| piece.size).sum()
}

/// Cuts the first `length` bytes of `old` into chunks, and returns these with their places.
fn cut(
    local_pieces: &LocalPieces<'_>,
    old: &OldFile,
    length: u64,
    mut cutter: Cutter,
) -> io::Result<impl Iterator<Item = (Piece, OldPiece)>> {
    let mut reader = local_pieces.open(old.layer, old.offset)?.take(length);
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => break,
            read => cutter.take(&buffer[..read]),
        }
    }
    let (layer, mut offset) = (old.layer, old.offset);
    Ok(cutter.finish().into_iter().map(move |piece| {
        let place = OldPiece { layer, offset, size: piece.size };
        offset += piece.size;
        (piece, place)
    }))
}
