//! Decides what of a new layer is taken from older ones.

use std::collections::HashMap;

use super::lead::{Lead, Leads, padding};
use super::patch::{Origin, Patch, REQUEST_BYTES};
use super::recut::Recutter;
use super::shelf::{OldFile, OldPiece, Shelf};
use crate::compression::Compression;
use crate::contents::{self, Entry, Kind, Piece};
use crate::layer_format::Format;
use crate::modelkit::LayerType;
use crate::oci::Descriptor;
use crate::relative_path::RelativePath;

/// What ends a tar: two blocks without anything in them.
const TAR_END: u64 = 1024;

/// Whether it may be worth looking at the layer at all.
pub(super) fn is_worth_a_look(layer: &Descriptor) -> bool {
    layer.size > 2 * REQUEST_BYTES && format(layer).is_some()
}

/// How `layer`, of which `table` is the table of contents, is put together with what is on the `shelf`; none if it had better be
/// fetched whole.
pub(super) fn plan(layer: &Descriptor, table: &[u8], shelf: &Shelf<'_>) -> Option<Patch> {
    let format = format(layer)?;
    let mut planner = Planner {
        shelf,
        format,
        recutter: Recutter::new(shelf, layer.size),
        leads: Leads::default(),
        reached: 0,
        patch: Patch::new(layer.size),
    };
    for entry in contents::read(table).ok()? {
        planner.add_entry(&entry.ok()?);
    }
    if format == Format::Tar && layer.size.checked_sub(planner.reached) == Some(TAR_END) {
        planner.patch.add(planner.reached, TAR_END, Origin::Zeros);
    }
    Some(planner.patch.finish()).filter(Patch::is_quicker)
}

/// How the files of an uncompressed layer are put together; none of another blob.
fn format(layer: &Descriptor) -> Option<Format> {
    LayerType::of(layer).filter(|layer| layer.compression == Compression::None).map(|layer| layer.format)
}

struct Planner<'a> {
    shelf: &'a Shelf<'a>,
    format: Format,
    recutter: Recutter<'a>,
    leads: Leads,
    /// Where the last file and the zeros behind it end.
    reached: u64,
    patch: Patch,
}

impl Planner<'_> {
    fn add_entry(&mut self, entry: &Entry) {
        let lead = self.leads.next(entry);
        let &Kind::File { size, offset, ref digest, ref pieces } = &entry.kind else { return };
        match self.shelf.file(digest, &entry.path) {
            Some(old) if old.size == size => self.add_file(old, lead, offset),
            _ => self.add_pieces(&entry.path, offset, size, pieces),
        }
        let end = offset + size;
        // Nothing if it came with the content.
        self.patch.add(end, self.padding(size), Origin::Zeros);
        self.reached = end.saturating_add(self.padding(size));
    }

    /// Adds a file that is here, with what stands before and behind it in both tars: so files that follow each other in both
    /// are taken in one.
    fn add_file(&mut self, old: &OldFile, lead: Option<Lead>, offset: u64) {
        let lead = lead.filter(|lead| self.format == Format::Tar && old.lead == Some(*lead));
        let before = lead.map_or(0, |lead| lead.bytes).min(old.offset).min(offset);
        let behind = self.padding(old.size).min(self.shelf.zeros_behind(old));
        let origin = Origin::Older { layer: old.layer, offset: old.offset - before };
        self.patch.add(offset - before, before + old.size + behind, origin);
    }

    /// Adds what is here of a file that has changed.
    fn add_pieces(&mut self, path: &RelativePath, begin: u64, size: u64, pieces: &[Piece]) {
        if pieces.is_empty() {
            return;
        }
        let known = |piece: &Piece| self.shelf.piece(piece);
        let found: u64 = pieces.iter().filter_map(known).map(|piece| piece.size).sum();
        let is_enough = found >= size / 2;
        let cut_anew = if is_enough { HashMap::new() } else { self.recutter.pieces_of(path, size, pieces) };
        let mut offset = begin;
        for piece in pieces {
            let old = self.shelf.piece(piece).or_else(|| cut_anew.get(&piece.digest).copied());
            if let Some(OldPiece { layer, offset: at, .. }) = old.filter(|old| old.size == piece.size) {
                self.patch.add(offset, piece.size, Origin::Older { layer, offset: at });
            }
            offset += piece.size;
        }
    }

    fn padding(&self, size: u64) -> u64 {
        if self.format == Format::Tar { padding(size) } else { 0 }
    }
}
