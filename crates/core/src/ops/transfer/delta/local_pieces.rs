//! The files and chunks of older versions that are available locally, in uncompressed layers or in a folder.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::Path;

use super::tar_prefix::{TarPrefix, TarPrefixes, padding};
use super::tree::{self, TreeFile};
use crate::archive::Listing;
use crate::compression::Compression;
use crate::contents::{self, Kind, Piece, PieceDigest};
use crate::digest::Digest;
use crate::layer_format::Format;
use crate::limits;
use crate::modelkit::Layer;
use crate::oci::{Content, ContentError, Descriptor, RangedReader, Source};
use crate::ops::artifact::inspect;
use crate::ops::files::{shape, tables};
use crate::relative_path::RelativePath;

/// The local content that may contain parts of a layer.
pub(crate) enum Older<'a> {
    /// The manifests of ModelKits, each with a name for messages, in order of preference.
    Versions(&'a dyn Source, Vec<(String, Descriptor)>),
    /// A folder into which a ModelKit was unpacked.
    Tree(&'a Path),
}

/// The local layers, and their files and chunks.
#[derive(Default)]
pub(super) struct LocalPieces<'a> {
    layers: Vec<OldLayer<'a>>,
    /// The digests of the layers.
    digests: HashSet<Digest>,
    files: Vec<OldFile>,
    by_digest: HashMap<Digest, usize>,
    by_path: HashMap<RelativePath, usize>,
    pieces: HashMap<PieceDigest, OldPiece>,
}

struct OldLayer<'a> {
    size: u64,
    format: Format,
    content: Box<dyn Content + 'a>,
    /// The name of the ModelKit or folder to which it belongs.
    name: String,
}

/// A file in one of the layers.
pub(super) struct OldFile {
    pub(super) layer: usize,
    pub(super) offset: u64,
    pub(super) size: u64,
    /// The digest, if the layer has a table of contents.
    pub(super) digest: Option<Digest>,
    /// The headers before its content, if they are known.
    pub(super) tar_prefix: Option<TarPrefix>,
    /// True if its chunks are known.
    pub(super) is_cut: bool,
}

/// A chunk of a file in one of the layers.
#[derive(Clone, Copy)]
pub(super) struct OldPiece {
    pub(super) layer: usize,
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl<'a> LocalPieces<'a> {
    /// Reads the index of the local content. Content that cannot be read is ignored.
    ///
    /// Reads the tables of contents of layers, or the file headers of a layer without a table.
    pub(super) fn new(older: &Older<'a>) -> Self {
        let mut local_pieces = Self::default();
        match older {
            Older::Versions(source, versions) => {
                for (name, manifest) in versions {
                    local_pieces.add_version(*source, name, manifest);
                }
            }
            Older::Tree(folder) => local_pieces.add_tree(folder),
        }
        local_pieces
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns a file with this content, preferably one with the same path: then its tar headers may be equal as well.
    pub(super) fn file(&self, digest: &Digest, path: &RelativePath) -> Option<&OldFile> {
        let at_path = self.version_of(path).filter(|file| file.digest == Some(*digest));
        at_path.or_else(|| self.files.get(*self.by_digest.get(digest)?))
    }

    /// Returns the file with the same path.
    pub(super) fn version_of(&self, path: &RelativePath) -> Option<&OldFile> {
        self.files.get(*self.by_path.get(path)?)
    }

    pub(super) fn piece(&self, piece: &Piece) -> Option<OldPiece> {
        self.pieces.get(&piece.digest).copied().filter(|old| old.size == piece.size)
    }

    /// The number of zeros after the file in its layer.
    pub(super) fn zeros_behind(&self, file: &OldFile) -> u64 {
        let layer = self.layers.get(file.layer).filter(|layer| layer.format == Format::Tar);
        let behind = layer.map_or(0, |layer| layer.size.saturating_sub(file.offset.saturating_add(file.size)));
        padding(file.size).min(behind)
    }

    /// Opens a layer. The bytes are not verified.
    pub(super) fn open(&self, layer: usize, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        let no_layer = || ContentError::NotFound(layer.to_string());
        self.layers.get(layer).ok_or_else(no_layer)?.content.open_at(offset)
    }

    /// The name of the ModelKit or folder to which the layer belongs.
    pub(super) fn name(&self, layer: usize) -> &str {
        self.layers.get(layer).map_or("", |layer| &layer.name)
    }

    fn add_version(&mut self, source: &'a dyn Source, name: &str, manifest: &Descriptor) {
        let Ok(inspected) = inspect::read(source, manifest.clone(), name) else { return };
        for layer in &inspected.modelkit.layers {
            if layer.compression == Compression::None && self.digests.insert(layer.descriptor.digest) {
                self.add_layer(source, name, layer);
            }
        }
    }

    fn add_layer(&mut self, source: &'a dyn Source, name: &str, layer: &Layer) {
        let (number, size) = (self.layers.len(), layer.descriptor.size);
        let content = source.blob(&layer.descriptor);
        self.layers.push(OldLayer { size, format: layer.format, content, name: name.to_owned() });
        match tables::bytes(source, &layer.descriptor) {
            Ok(Some(table)) => self.add_entries(number, &table),
            _ => self.add_members(source, number, layer),
        }
    }

    /// Adds each file as a layer of its own.
    fn add_tree(&mut self, folder: &Path) {
        for TreeFile { path, size, content } in tree::files(folder) {
            let layer = self.layers.len();
            let name = folder.display().to_string();
            self.layers.push(OldLayer { size, format: Format::Raw, content: Box::new(content), name });
            self.add_file(path, OldFile { layer, offset: 0, size, digest: None, tar_prefix: None, is_cut: false });
        }
    }

    /// Adds the files in a table, up to the first entry that cannot be read.
    fn add_entries(&mut self, layer: usize, table: &[u8]) {
        let Ok(entries) = contents::read(table) else { return };
        let mut leads = TarPrefixes::default();
        for entry in entries.map_while(Result::ok) {
            let tar_prefix = leads.next(&entry);
            let Kind::File { size, offset, digest, pieces } = entry.kind else { continue };
            let (digest, is_cut) = (Some(digest), !pieces.is_empty());
            self.add_file(entry.path, OldFile { layer, offset, size, digest, tar_prefix, is_cut });
            let mut offset = offset;
            for Piece { size, digest, .. } in pieces {
                if self.pieces.len() < limits::DELTA_PIECES {
                    self.pieces.entry(digest).or_insert(OldPiece { layer, offset, size });
                }
                offset += size;
            }
        }
    }

    /// Adds the files of a layer without a table.
    fn add_members(&mut self, source: &dyn Source, layer: usize, of: &Layer) {
        let (digest, size) = (of.descriptor.digest, of.descriptor.size);
        if of.format == Format::Raw {
            let file = OldFile { layer, offset: 0, size, digest: Some(digest), tar_prefix: None, is_cut: false };
            return self.add_file(of.path.clone(), file);
        }
        let blob = source.blob(&of.descriptor);
        let mut listing = Listing::hopping(RangedReader::new(&*blob, size), shape(of));
        while let Ok(Some(member)) = listing.next_member() {
            let (offset, size) = (member.offset, member.size);
            if !member.is_directory {
                self.add_file(
                    member.path,
                    OldFile { layer, offset, size, digest: None, tar_prefix: None, is_cut: false },
                );
            }
        }
    }

    /// Adds a file. Files that were added earlier take precedence.
    fn add_file(&mut self, path: RelativePath, file: OldFile) {
        let number = self.files.len();
        if number < limits::DELTA_FILES {
            if let Some(digest) = file.digest {
                self.by_digest.entry(digest).or_insert(number);
            }
            self.by_path.entry(path).or_insert(number);
            self.files.push(file);
        }
    }
}
