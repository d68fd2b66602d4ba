//! Iterating over the files of a layer without unpacking it: the base of all operations that read single files.

use std::collections::HashSet;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::layer_reader;
use super::tables::{self, Evidence, Headers, Table};
use crate::archive::{LayerShape, Listing, file_header};
use crate::compression::Compression;
use crate::contents::{self, Entry, Kind, Piece, VerifiedFile};
use crate::digest::{Digest, VerifyingReader};
use crate::kitfile::{self, FILE_NAMES};
use crate::layer_format::Format;
use crate::limits;
use crate::modelkit::{Layer, ModelKit, label};
use crate::oci::{Content, RangedReader, Source};
use crate::ops::error::Error;
use crate::relative_path::RelativePath;

/// A file or a directory in a layer.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// The path to which it would be unpacked.
    pub(crate) path: RelativePath,
    pub(crate) is_directory: bool,
    /// The permissions.
    pub(crate) mode: u32,
    /// The size of the content in bytes; `None` for a compressed layer that consists of this one file.
    pub(crate) size: Option<u64>,
    /// The offset of the content in the layer, if the layer is not compressed.
    pub(crate) offset: Option<u64>,
    /// The digest of the content, if the layer has a table of contents.
    pub(crate) digest: Option<Digest>,
    /// The chunks of the content, if the table of contents lists them.
    pub(crate) pieces: Arc<[Piece]>,
    pub(crate) evidence: Evidence,
    /// The header of the file, if it is compared when the content is read, because nothing was compared before.
    header: Vec<u8>,
}

/// The permissions of a file that has none in the ModelKit: the Kitfile, and a file that is a layer of its own.
pub(crate) const PLAIN_FILE: u32 = 0o644;

impl Member {
    /// A folder with the usual permissions that was read from its layer.
    fn folder(path: RelativePath) -> Self {
        Self {
            path,
            is_directory: true,
            mode: 0o755,
            size: Some(0),
            offset: None,
            digest: None,
            pieces: Arc::default(),
            evidence: Evidence::Layer,
            header: Vec::new(),
        }
    }

    /// Returns the error for content that could not be read.
    pub(crate) fn failed(&self, error: io::Error) -> Error {
        Error::reading(&format!("`{}`", self.path), error.into())
    }

    /// Returns an error if `size` is not the expected size: a range of a damaged layer may end early.
    pub(super) fn check_size(&self, size: u64) -> Result<(), Error> {
        match self.size {
            Some(expected) if expected != size => Err(self.failed(io::ErrorKind::UnexpectedEof.into())),
            _ => Ok(()),
        }
    }
}

/// Counts the members that an operation holds in memory: a compressed layer can contain any number of them.
#[derive(Debug)]
pub(crate) struct Held {
    files: AtomicUsize,
    path_bytes: AtomicU64,
    pieces: AtomicUsize,
    most_files: usize,
}

impl Held {
    /// Creates the counter of an operation that holds at most `most_files`.
    pub(crate) fn new(most_files: usize) -> Self {
        Self { files: AtomicUsize::new(0), path_bytes: AtomicU64::new(0), pieces: AtomicUsize::new(0), most_files }
    }

    /// Counts a file at `path`. Fails if there are too many.
    pub(crate) fn add(&self, path: &RelativePath) -> Result<(), Error> {
        if self.files.fetch_add(1, Ordering::Relaxed) >= self.most_files {
            return Err(Error::TooManyFiles { what: "files", limit: self.most_files as u64 });
        }
        let length = path.as_str().len() as u64;
        if self.path_bytes.fetch_add(length, Ordering::Relaxed) + length > limits::LISTED_PATHS_BYTES {
            return Err(Error::TooManyFiles { what: "bytes of paths", limit: limits::LISTED_PATHS_BYTES });
        }
        Ok(())
    }

    /// Counts a file at `path` that is no longer held.
    pub(crate) fn remove(&self, path: &RelativePath) {
        self.files.fetch_sub(1, Ordering::Relaxed);
        self.path_bytes.fetch_sub(path.as_str().len() as u64, Ordering::Relaxed);
    }

    /// Counts the chunks of a file. Returns false if there are too many to hold them as well.
    pub(crate) fn add_pieces(&self, count: usize) -> bool {
        self.pieces.fetch_add(count, Ordering::Relaxed) + count <= limits::COMPARED_PIECES
    }
}

/// A callback that receives the members one by one, each with its content, of which it may read any part. It stops the
/// iteration with `Break`.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&Member, &mut dyn Read) -> Result<ControlFlow<()>, Error>;

/// The Kitfile and its text. It is not in a layer; unpacking writes it from the config.
pub(crate) fn kitfile(modelkit: &ModelKit) -> Option<(Member, String)> {
    let path = RelativePath::root().child(FILE_NAMES[0]).ok()?;
    let text = kitfile::to_yaml(&modelkit.config.kitfile);
    let size = Some(text.len() as u64);
    Some((Member { is_directory: false, mode: PLAIN_FILE, size, ..Member::folder(path) }, text))
}

/// The `layers` without duplicates: KitOps packs a layer twice if a Kitfile gives a path in two spellings.
pub(super) fn distinct<'m>(layers: impl Iterator<Item = &'m Layer>) -> Vec<&'m Layer> {
    let mut seen = HashSet::new();
    layers.filter(|layer| seen.insert((layer.descriptor.digest, &layer.path))).collect()
}

/// Passes the members of `layer` to `visit` and reads as little of the layer as possible.
///
/// Of a layer with a table of contents only the content that `visit` reads is read, and it is verified, with its header
/// if the table was not compared with the layer, as far as ranges of the layer can be read. Other layers
/// are not verified: an uncompressed one is read in small ranges, a compressed one completely up to the member at which
/// `visit` stops.
pub(crate) fn skim(
    source: &dyn Source,
    layer: &Layer,
    headers: Headers,
    visit: Visit,
) -> Result<ControlFlow<()>, Error> {
    let blob = source.blob(&layer.descriptor);
    if let Some(table) = tables::entries(source, layer, headers)? {
        return show_entries(&*blob, layer, table, visit);
    }
    if layer.compression != Compression::None {
        let opened = blob.open_at(0).map_err(|error| Error::reading(&label(&layer.descriptor), error))?;
        return show_stream(layer, opened, visit);
    }
    let size = layer.descriptor.size;
    let mut reader = RangedReader::new(&*blob, size);
    match layer.format {
        Format::Tar => show_members(layer, Listing::hopping(reader, shape(layer)), visit),
        Format::Raw => visit(&only_file(layer), &mut reader),
    }
}

/// Passes the members of the uncompressed `layer`, whose content is `blob`, to `visit` as the headers in the layer
/// describe them: a table of contents could leave some out. Content that `visit` does not read is skipped. Nothing is
/// verified.
pub(crate) fn read_members(blob: &dyn Content, layer: &Layer, visit: Visit) -> Result<(), Error> {
    let mut reader = RangedReader::new(blob, layer.descriptor.size);
    let done = match layer.format {
        Format::Tar => show_members(layer, Listing::hopping(reader, shape(layer)), visit),
        Format::Raw => visit(&only_file(layer), &mut reader),
    };
    done.map(drop)
}

/// Passes the members of `layer` to `visit` until it stops, but reads the whole layer. After a return without an error,
/// everything that was passed is verified.
pub(crate) fn read_through(source: &dyn Source, layer: &Layer, visit: Visit) -> Result<(), Error> {
    let failed = |error| Error::reading(&label(&layer.descriptor), error);
    let blob = source.blob(&layer.descriptor);
    let opened = blob.open_at(0).map_err(failed)?;
    let mut verified = VerifyingReader::new(opened, layer.descriptor.digest, layer.descriptor.size);
    show_stream(layer, &mut verified, visit).map(drop)?;
    verified.drain().map_err(|error| failed(error.into()))
}

/// The size from which a file is fetched with a request of its own. Smaller files are read through the ranges of
/// [`skim`], the first of which includes the header.
const LARGE_BYTES: u64 = 1024 * 1024;

/// Returns the content of `member` for reading it completely while `layer` is skimmed. `blob` is the content of the
/// layer, `content` the reader from [`skim`].
pub(super) fn open_whole<'a>(
    blob: &'a dyn Content,
    layer: &Layer,
    member: &Member,
    content: &'a mut dyn Read,
) -> Result<Box<dyn Read + 'a>, Error> {
    let Some((offset, size)) = member.offset.zip(member.size) else { return Ok(Box::new(content)) };
    let is_inside = offset.checked_add(size).is_some_and(|end| end <= layer.descriptor.size);
    if size < LARGE_BYTES || !is_inside {
        return Ok(Box::new(content));
    }
    let before = offset.saturating_sub(member.header.len() as u64);
    let opened = blob.open_range(before, offset + size - before);
    let mut opened = opened.map_err(|error| member.failed(error.into()))?;
    let mut header = vec![0; member.header.len()];
    opened.read_exact(&mut header).map_err(|error| member.failed(error))?;
    if header != member.header {
        let reason = "the bytes before it are not the header that its table of contents describes";
        return Err(member.failed(io::Error::new(io::ErrorKind::InvalidData, reason)));
    }
    Ok(match member.digest {
        Some(digest) => Box::new(VerifyingReader::new(opened, digest, size)),
        None => opened,
    })
}

pub(super) fn show_entries(
    blob: &dyn Content,
    layer: &Layer,
    Table { entries, evidence, turn: _turn }: Table,
    visit: Visit,
) -> Result<ControlFlow<()>, Error> {
    let mut reader = layer_reader::open(blob, layer);
    let is_plain = layer.compression == Compression::None;
    for Entry { path, mode, kind } in entries {
        let header = match &kind {
            Kind::File { size, .. } if evidence == Evidence::Nothing && is_plain => file_header(&path, mode, *size),
            _ => Vec::new(),
        };
        let mut member = Member { mode: mode & 0o777, evidence, header, ..Member::folder(path) };
        let flow = match kind {
            Kind::Folder => visit(&member, &mut io::empty())?,
            Kind::File { size, offset, digest, pieces } => {
                let header = member.header.clone();
                // An empty list does not need memory of its own.
                let pieces: Arc<[Piece]> = if pieces.is_empty() { Arc::default() } else { pieces.into() };
                let place = contents::Place { offset, size, digest, pieces: &pieces, header: &header };
                member = Member {
                    is_directory: false,
                    size: Some(size),
                    offset: is_plain.then_some(offset),
                    digest: Some(digest),
                    pieces: Arc::clone(&pieces),
                    ..member
                };
                visit(&member, &mut VerifiedFile::new(&mut reader, place))?
            }
        };
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(ControlFlow::Continue(()))
}

pub(super) fn show_stream(layer: &Layer, reader: impl Read + Send, visit: Visit) -> Result<ControlFlow<()>, Error> {
    let failed = |error: io::Error| Error::reading(&label(&layer.descriptor), error.into());
    let mut decoder = layer.compression.decoder(BufReader::new(reader)).map_err(failed)?;
    match layer.format {
        Format::Tar => show_members(layer, Listing::reading(decoder, shape(layer)), visit),
        Format::Raw => visit(&only_file(layer), &mut decoder),
    }
}

fn show_members<R: Read>(layer: &Layer, mut listing: Listing<R>, visit: Visit) -> Result<ControlFlow<()>, Error> {
    let is_plain = layer.compression == Compression::None;
    let failed = |source| Error::Look(label(&layer.descriptor), source);
    while let Some(member) = listing.next_member().map_err(failed)? {
        let member = Member {
            is_directory: member.is_directory,
            mode: member.mode,
            size: Some(member.size),
            offset: is_plain.then_some(member.offset),
            ..Member::folder(member.path)
        };
        if visit(&member, &mut listing)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The paths that the members of the tar layer `layer` may have.
pub(crate) fn shape(layer: &Layer) -> LayerShape {
    LayerShape { path: layer.path.clone(), base: layer.base.clone() }
}

/// The single file of a raw layer.
fn only_file(layer: &Layer) -> Member {
    let size = (layer.compression == Compression::None).then_some(layer.descriptor.size);
    let offset = size.map(|_| 0);
    let mode = layer.file_mode.unwrap_or(PLAIN_FILE);
    let digest = size.map(|_| layer.descriptor.digest);
    Member { is_directory: false, mode, size, offset, digest, ..Member::folder(layer.path.clone()) }
}
