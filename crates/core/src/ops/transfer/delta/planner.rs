//! Planning which parts of a new layer are read from older ones.

use std::collections::HashMap;

use super::local_pieces::{LocalPieces, OldFile, OldPiece};
use super::patch::{Origin, Patch, REQUEST_BYTES, Ranges};
use super::rechunk::{Rechunker, parts};
use super::tar_prefix::{TarPrefix, TarPrefixes, padding};
use crate::compression::Compression;
use crate::contents::{self, Entry, Kind, Piece};
use crate::layer_format::Format;
use crate::modelkit::LayerType;
use crate::oci::Descriptor;
use crate::relative_path::RelativePath;

/// The end of a tar: two blocks of zeros.
const TAR_END: u64 = 1024;

/// The part of a layer that has to be fetched with whole chunks before the parts of chunks are looked for.
const FINE_PART: u64 = 20;

/// Returns true if the layer may be worth a plan at all.
pub(super) fn is_worth_a_look(layer: &Descriptor) -> bool {
    layer.size > 2 * REQUEST_BYTES && format(layer).is_some()
}

/// Returns how to assemble `layer`, whose table of contents is `table`, from `local_pieces`; `None` if fetching it
/// whole is better.
pub(super) fn plan(layer: &Descriptor, table: &[u8], local_pieces: &LocalPieces<'_>) -> Option<Patch> {
    let (coarse, has_parts) = plan_with(layer, table, local_pieces, Ranges::Large)?;
    // The parts are hardly worth it if only little is fetched.
    if !has_parts || coarse.remote_bytes() <= layer.size / FINE_PART {
        return Some(coarse).filter(Patch::is_quicker);
    }
    let fine = plan_with(layer, table, local_pieces, Ranges::Small).map(|(fine, _)| fine);
    let fine = fine.filter(|fine| fine.cost() < coarse.cost());
    Some(fine.unwrap_or(coarse)).filter(Patch::is_quicker)
}

/// Returns how to assemble `layer`, and true if the table has the parts of a chunk.
fn plan_with(
    layer: &Descriptor,
    table: &[u8],
    local_pieces: &LocalPieces<'_>,
    ranges: Ranges,
) -> Option<(Patch, bool)> {
    let format = format(layer)?;
    let mut planner = Planner {
        local_pieces,
        format,
        ranges,
        has_parts: false,
        recutter: Rechunker::new(local_pieces, layer.size),
        leads: TarPrefixes::default(),
        reached: 0,
        patch: Patch::new(layer.size, ranges),
    };
    for entry in contents::read(table).ok()? {
        planner.add_entry(&entry.ok()?);
    }
    if format == Format::Tar && layer.size.checked_sub(planner.reached) == Some(TAR_END) {
        planner.patch.add(planner.reached, TAR_END, Origin::Zeros);
    }
    Some((planner.patch.finish(), planner.has_parts))
}

/// The format of an uncompressed layer; `None` for any other blob.
fn format(layer: &Descriptor) -> Option<Format> {
    LayerType::of(layer).filter(|layer| layer.compression == Compression::None).map(|layer| layer.format)
}

struct Planner<'a> {
    local_pieces: &'a LocalPieces<'a>,
    format: Format,
    ranges: Ranges,
    /// True if the table has the parts of a chunk.
    has_parts: bool,
    recutter: Rechunker<'a>,
    leads: TarPrefixes,
    /// The end of the last file and its padding.
    reached: u64,
    patch: Patch,
}

impl Planner<'_> {
    fn add_entry(&mut self, entry: &Entry) {
        let tar_prefix = self.leads.next(entry);
        let &Kind::File { size, offset, ref digest, ref pieces } = &entry.kind else { return };
        match self.local_pieces.file(digest, &entry.path) {
            Some(old) if old.size == size => self.add_file(old, tar_prefix, offset),
            _ => self.add_pieces(&entry.path, offset, size, pieces),
        }
        let end = offset + size;
        // Adds nothing if the padding was added with the content.
        self.patch.add(end, self.padding(size), Origin::Zeros);
        self.reached = end.saturating_add(self.padding(size));
    }

    /// Adds a local file, with the equal headers before and zeros after it in both tars: so files that follow each
    /// other in both are read as one stretch.
    fn add_file(&mut self, old: &OldFile, tar_prefix: Option<TarPrefix>, offset: u64) {
        let tar_prefix =
            tar_prefix.filter(|tar_prefix| self.format == Format::Tar && old.tar_prefix == Some(*tar_prefix));
        let before = tar_prefix.map_or(0, |tar_prefix| tar_prefix.bytes).min(old.offset).min(offset);
        let behind = self.padding(old.size).min(self.local_pieces.zeros_behind(old));
        let origin = Origin::Older { layer: old.layer, offset: old.offset - before };
        self.patch.add(offset - before, before + old.size + behind, origin);
    }

    /// Adds the local parts of a file that has changed.
    fn add_pieces(&mut self, path: &RelativePath, begin: u64, size: u64, pieces: &[Piece]) {
        if pieces.is_empty() {
            return;
        }
        self.has_parts |= pieces.iter().any(|piece| piece.parts.is_some());
        let known = |piece: &Piece| self.local_pieces.piece(piece);
        let found: u64 = pieces.iter().filter_map(known).map(|piece| piece.size).sum();
        let is_enough = found >= size / 2;
        let recut = if is_enough { HashMap::new() } else { self.recutter.pieces_of(path, size, pieces) };
        let old_parts = match self.ranges {
            Ranges::Large => HashMap::new(),
            Ranges::Small => self.recutter.parts_of(path, size, pieces),
        };
        let mut offset = begin;
        for piece in pieces {
            let old = self.local_pieces.piece(piece).or_else(|| recut.get(&piece.digest).copied());
            if !self.add_old(offset, piece.size, old) {
                let mut offset = offset;
                for part in parts(piece) {
                    self.add_old(offset, part.size.into(), old_parts.get(&part).copied());
                    offset += u64::from(part.size);
                }
            }
            offset += piece.size;
        }
    }

    /// Adds `size` bytes that are at `old`, and returns true if they are there.
    fn add_old(&mut self, offset: u64, size: u64, old: Option<OldPiece>) -> bool {
        let old = old.filter(|old| old.size == size);
        if let Some(OldPiece { layer, offset: at, .. }) = old {
            self.patch.add(offset, size, Origin::Older { layer, offset: at });
        }
        old.is_some()
    }

    fn padding(&self, size: u64) -> u64 {
        if self.format == Format::Tar { padding(size) } else { 0 }
    }
}
