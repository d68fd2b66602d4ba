//! What is here of older versions: the files and pieces that the uncompressed layers of a repository hold.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Read;

use super::super::{inspect, tables};
use crate::archive::{LayerShape, Listing};
use crate::compression::Compression;
use crate::contents::{self, Entry, Kind, Piece, PieceDigest};
use crate::digest::Digest;
use crate::layer_format::Format;
use crate::modelkit::Layer;
use crate::oci::{Content, ContentError, Descriptor, RangedReader, Source};
use crate::relative_path::RelativePath;

/// How many files and how many pieces are remembered: some 30 MiB.
const FILES_LIMIT: usize = 100_000;
const PIECES_LIMIT: usize = 200_000;

/// Layers that are here, and what is in them.
pub(super) struct Shelf<'a> {
    source: &'a dyn Source,
    layers: Vec<OldLayer<'a>>,
    files: Vec<OldFile>,
    by_digest: HashMap<Digest, usize>,
    by_path: HashMap<RelativePath, usize>,
    pieces: HashMap<PieceDigest, OldPiece>,
}

struct OldLayer<'a> {
    digest: Digest,
    size: u64,
    format: Format,
    content: Box<dyn Content + 'a>,
    /// What the ModelKit is called that it belongs to.
    name: String,
}

/// A file in one of the layers.
pub(super) struct OldFile {
    pub(super) layer: usize,
    pub(super) offset: u64,
    pub(super) size: u64,
    /// Known where the layer has a table.
    pub(super) digest: Option<Digest>,
    /// What stands before its content, where that is known.
    pub(super) lead: Option<Lead>,
    /// Whether its pieces are known.
    pub(super) is_cut: bool,
}

/// A piece of a file in one of the layers.
#[derive(Clone, Copy)]
pub(super) struct OldPiece {
    pub(super) layer: usize,
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// What stands between the content of a file in a tar and the padding of the file before it: the headers of folders, and its own. As
/// `kit` writes the layers that it makes tables of, equal leads are equal bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lead {
    pub(super) bytes: u64,
    /// Of everything that the headers say.
    fingerprint: u64,
}

/// Follows the entries of a table and tells what stands before each file.
#[derive(Default)]
pub(super) struct Leads {
    headers: DefaultHasher,
    reached: u64,
}

impl Leads {
    /// None for a folder, and where the table says what cannot be.
    pub(super) fn next(&mut self, entry: &Entry) -> Option<Lead> {
        (&entry.path, entry.mode).hash(&mut self.headers);
        let Kind::File { size, offset, .. } = entry.kind else { return None };
        size.hash(&mut self.headers);
        let lead = offset.checked_sub(self.reached).map(|bytes| Lead { bytes, fingerprint: self.headers.finish() });
        self.headers = DefaultHasher::new();
        self.reached = offset.checked_add(size)?.checked_add(padding(size))?;
        lead
    }
}

/// How many zeros follow the content of a file in a tar.
pub(super) fn padding(size: u64) -> u64 {
    size.wrapping_neg() % 512
}

impl<'a> Shelf<'a> {
    /// Looks at the layers of the ModelKits `older`, each with what it is called, in the order in which they are preferred.
    ///
    /// Reads their tables; of layers without one, the headers of their files. What cannot be read is no help, and that is all.
    pub(super) fn new(source: &'a dyn Source, older: Vec<(String, Descriptor)>) -> Self {
        let (layers, files, pieces) = (Vec::new(), Vec::new(), HashMap::new());
        let mut shelf = Self { source, layers, files, by_digest: HashMap::new(), by_path: HashMap::new(), pieces };
        for (name, manifest) in older {
            let Ok(inspected) = inspect::read(source, manifest, &name) else { continue };
            inspected.modelkit.layers.iter().for_each(|layer| shelf.add_layer(&name, layer));
        }
        shelf
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file with this content, best one at the same place: then more than its content may be the same.
    pub(super) fn file(&self, digest: &Digest, path: &RelativePath) -> Option<&OldFile> {
        let at_path = self.version_of(path).filter(|file| file.digest == Some(*digest));
        at_path.or_else(|| self.files.get(*self.by_digest.get(digest)?))
    }

    /// The file at the same place.
    pub(super) fn version_of(&self, path: &RelativePath) -> Option<&OldFile> {
        self.files.get(*self.by_path.get(path)?)
    }

    pub(super) fn piece(&self, piece: &Piece) -> Option<OldPiece> {
        self.pieces.get(&piece.digest).copied().filter(|old| old.size == piece.size)
    }

    /// How many zeros follow the file in its layer.
    pub(super) fn zeros_behind(&self, file: &OldFile) -> u64 {
        let layer = self.layers.get(file.layer).filter(|layer| layer.format == Format::Tar);
        layer.map_or(0, |layer| padding(file.size).min(layer.size - file.offset - file.size))
    }

    /// Opens a layer. What comes may be damaged.
    pub(super) fn open(&self, layer: usize, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let no_layer = || ContentError::NotFound(layer.to_string());
        self.layers.get(layer).ok_or_else(no_layer)?.content.open_at(offset)
    }

    /// What the ModelKit is called that the layer belongs to.
    pub(super) fn name(&self, layer: usize) -> &str {
        self.layers.get(layer).map_or("", |layer| &layer.name)
    }

    fn add_layer(&mut self, name: &str, layer: &Layer) {
        let is_known = self.layers.iter().any(|old| old.digest == layer.descriptor.digest);
        if is_known || layer.compression != Compression::None {
            return;
        }
        let number = self.layers.len();
        let (digest, size) = (layer.descriptor.digest, layer.descriptor.size);
        let content = self.source.blob(&layer.descriptor);
        self.layers.push(OldLayer { digest, size, format: layer.format, content, name: name.to_owned() });
        match tables::bytes(self.source, &layer.descriptor) {
            Ok(Some(table)) => self.add_entries(number, size, &table),
            _ => self.add_members(number, layer),
        }
    }

    /// Adds the files that a table names, up to where it can be believed.
    fn add_entries(&mut self, layer: usize, layer_size: u64, table: &[u8]) {
        let Ok(entries) = contents::read(table) else { return };
        let mut leads = Leads::default();
        for entry in entries.map_while(Result::ok) {
            let lead = leads.next(&entry);
            let Kind::File { size, offset, digest, pieces } = entry.kind else { continue };
            if offset + size > layer_size {
                return;
            }
            let (digest, is_cut) = (Some(digest), !pieces.is_empty());
            self.add_file(entry.path, OldFile { layer, offset, size, digest, lead, is_cut });
            let mut offset = offset;
            for Piece { size, digest, .. } in pieces {
                if self.pieces.len() < PIECES_LIMIT {
                    self.pieces.entry(digest).or_insert(OldPiece { layer, offset, size });
                }
                offset += size;
            }
        }
    }

    /// Adds the files of a layer without a table.
    fn add_members(&mut self, layer: usize, of: &Layer) {
        let (digest, size) = (of.descriptor.digest, of.descriptor.size);
        if of.format == Format::Raw {
            let file = OldFile { layer, offset: 0, size, digest: Some(digest), lead: None, is_cut: false };
            return self.add_file(of.path.clone(), file);
        }
        let blob = self.source.blob(&of.descriptor);
        let shape = LayerShape { path: of.path.clone(), base: of.base.clone() };
        let mut listing = Listing::hopping(RangedReader::new(&*blob, size), shape);
        while let Ok(Some(member)) = listing.next_member() {
            let (offset, size) = (member.offset, member.size);
            if !member.is_directory {
                self.add_file(member.path, OldFile { layer, offset, size, digest: None, lead: None, is_cut: false });
            }
        }
    }

    /// What was there first is preferred.
    fn add_file(&mut self, path: RelativePath, file: OldFile) {
        let number = self.files.len();
        if number < FILES_LIMIT {
            if let Some(digest) = file.digest {
                self.by_digest.entry(digest).or_insert(number);
            }
            self.by_path.entry(path).or_insert(number);
            self.files.push(file);
        }
    }
}
