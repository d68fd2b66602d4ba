//! Lists the files in the layers of one side, and reads no more of them than necessary.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::side::{Blob, Content, SideLayer};
use crate::compression::Compression;
use crate::contents::{Piece, PieceDigest, Place, VerifiedFile};
use crate::digest::Digest;
use crate::kitfile::Section;
use crate::layer_format::Format;
use crate::modelkit::{Layer, LockedFile};
use crate::oci::{self, ContentError, RangedReader};
use crate::ops::error::Error;
use crate::ops::files::tables::{Evidence, Headers};
use crate::ops::files::{Held, Member, Unverified, buffer, digest, skim};
use crate::ops::workers;
use crate::progress::Silent;
use crate::relative_path::RelativePath;
use crate::tensors as weights;
use crate::tensors::Header;

/// A file of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    /// The permissions.
    pub mode: u32,
    /// The size in bytes.
    pub size: u64,
    /// The digest of the content, if it is known.
    pub digest: Option<Digest>,
}

/// A file in a layer.
#[derive(Clone)]
pub(super) struct File<'a> {
    pub(super) section: Section,
    pub(super) state: FileState,
    /// The digest of the headers of the layer, if this is its only file.
    pub(super) frame: Option<Box<Digest>>,
    place: Option<InBlob<'a>>,
}

/// The position of a file in a blob.
#[derive(Clone)]
struct InBlob<'a> {
    blob: &'a Blob<'a>,
    /// The offset of the content in the layer, unless that is compressed.
    offset: Option<u64>,
    /// The pieces that the content consists of, if they are known.
    pieces: Arc<[Piece]>,
}

/// Files by path.
pub(super) type Files<'a> = BTreeMap<RelativePath, File<'a>>;

/// Lists the files in `layer` that `keep` selects.
///
/// A layer with a table of contents is listed from it, which also gives the digests of its files. Otherwise, only the
/// headers of an uncompressed layer are read, and a compressed layer is read from beginning to end, which also gives
/// the digests.
///
/// A layer whose table of contents was not compared with all of its bytes is added to `unverified`.
pub(super) fn list<'l>(
    layer: &'l SideLayer<'l>,
    keep: &mut dyn FnMut(&RelativePath, &File) -> bool,
    held: &Held,
    unverified: &Unverified,
) -> Result<Vec<(RelativePath, File<'l>)>, Error> {
    let files = match &layer.content {
        Content::Blob(blob) => return list_blob(layer.section, blob, keep, held, unverified),
        Content::Listed(files) => files.iter().map(|file| list_locked(layer.section, file)),
    };
    let kept = files.filter(|(path, file)| keep(path, file));
    kept.map(|file| held.add(&file.0).map(|()| file)).collect()
}

fn list_locked<'l>(section: Section, file: &LockedFile) -> (RelativePath, File<'l>) {
    let state = FileState { mode: file.mode, size: file.size, digest: Some(file.digest) };
    (file.path.clone(), File { section, state, frame: None, place: None })
}

fn list_blob<'l>(
    section: Section,
    blob: &'l Blob<'l>,
    keep: &mut dyn FnMut(&RelativePath, &File) -> bool,
    held: &Held,
    unverified: &Unverified,
) -> Result<Vec<(RelativePath, File<'l>)>, Error> {
    let (mut files, mut frame, mut count, mut is_unverified) = (Vec::new(), Vec::new(), 0, false);
    skim(blob.source, blob.layer, Headers::Compare, &mut |member, content| {
        is_unverified |= member.evidence != Evidence::Layer;
        if count < 2 {
            frame.push(format!("{} {:o} {:?}\0", member.path, member.mode, member.size));
        }
        if !member.is_directory {
            count += 1;
            let state = state(blob.layer, member, content)?;
            let mut file = File { section, state, frame: None, place: None };
            if keep(&member.path, &file) {
                held.add(&member.path)?;
                file.place = Some(InBlob { blob, offset: member.offset, pieces: without_labels(&member.pieces, held) });
                files.push((member.path.clone(), file));
            }
        }
        Ok(ControlFlow::Continue(()))
    })
    .map(drop)?;
    if is_unverified {
        unverified.add(&blob.layer.path);
    }
    if let ([(_, file)], 1) = (&mut files[..], count) {
        file.frame = Some(Box::new(Digest::of(frame.concat().as_bytes())));
    }
    Ok(files)
}

/// Returns the pieces without the names of their tensors, which are in the header of the file as well. If the pieces of
/// all files take too much memory, there are none, as if the table of contents did not list them.
fn without_labels(pieces: &Arc<[Piece]>, held: &Held) -> Arc<[Piece]> {
    if pieces.is_empty() || !held.add_pieces(pieces.len()) {
        return Arc::default();
    }
    pieces.iter().map(|piece| Piece { size: piece.size, digest: piece.digest, tensor: None, parts: None }).collect()
}

/// Returns the state of a file. The content is read only if the layer is read completely anyway.
fn state(layer: &Layer, member: &Member, content: &mut dyn Read) -> Result<FileState, Error> {
    let (mode, blob) = (member.mode, &layer.descriptor);
    if let (Some(size), Some(_)) = (member.size, member.digest) {
        return Ok(FileState { mode, size, digest: member.digest });
    }
    if let Some(size) = member.size.filter(|_| layer.compression == Compression::None) {
        let digest = (layer.format == Format::Raw).then_some(blob.digest);
        return Ok(FileState { mode, size, digest });
    }
    let read = digest(content, &mut buffer(member.size), &Silent).map_err(|error| member.failed(error))?;
    Ok(FileState { mode, size: read.1, digest: Some(read.0) })
}

/// The number of files that are read before their digests are collected.
const BATCH: usize = 16 * 1024;

/// Reads the digests of the files whose paths are `wanted`. Those of a compressed layer are known already.
pub(super) fn read_digests(files: &mut Files, wanted: &[RelativePath], jobs: usize) -> Result<(), Error> {
    for wanted in wanted.chunks(BATCH) {
        let read = look_into(files, wanted, jobs, |file, content| {
            let (digest, size) = digest(content, &mut buffer(Some(file.state.size)), &Silent)?;
            if size == file.state.size { Ok(digest) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        })?;
        for (path, digest) in read {
            if let Some(file) = files.get_mut(&path) {
                file.state.digest = Some(digest);
            }
        }
    }
    Ok(())
}

/// Passes the content of each of the `wanted` files to `look`. The files of one layer are read in one pass, so that
/// small neighbouring files are fetched together. A compressed layer is read again, at most up to the last wanted file.
/// Files that only a lock lists are skipped.
pub(super) fn look_into<T: Send>(
    files: &Files,
    wanted: &[RelativePath],
    jobs: usize,
    look: impl Fn(&File, &mut dyn Read) -> io::Result<T> + Sync,
) -> Result<Vec<(RelativePath, T)>, Error> {
    let mut layers: BTreeMap<(Digest, &RelativePath), InLayer> = BTreeMap::new();
    for path in wanted {
        let file = &files[path];
        if let Some(InBlob { blob, offset, .. }) = &file.place {
            let (_, files) = layers
                .entry((blob.layer.descriptor.digest, &blob.layer.path))
                .or_insert_with(|| (**blob, BTreeMap::new()));
            files.insert((*offset, path), file);
        }
    }
    let layers: Vec<_> = layers.into_values().collect();
    let seen = workers::run(jobs, &layers, |layer| match layer.0.layer.compression {
        Compression::None => jump_through(layer, &look),
        _ => read_up_to_the_last(layer, &look),
    })?;
    Ok(seen.into_iter().flatten().collect())
}

/// The files of one layer, in the order of their offsets, if these are known.
type InLayer<'f> = (Blob<'f>, BTreeMap<(Option<u64>, &'f RelativePath), &'f File<'f>>);

fn jump_through<T>(
    (blob, files): &InLayer,
    look: &dyn Fn(&File, &mut dyn Read) -> io::Result<T>,
) -> Result<Vec<(RelativePath, T)>, Error> {
    let content = blob.source.blob(&blob.layer.descriptor);
    let mut reader = RangedReader::new(&*content, blob.layer.descriptor.size);
    let mut look_at = |offset: Option<u64>, file: &File| -> io::Result<T> {
        reader.seek(SeekFrom::Start(offset.unwrap_or_default()))?;
        look(file, &mut reader.by_ref().take(file.state.size))
    };
    let seen = files.iter().map(|((offset, path), file)| match look_at(*offset, file) {
        Ok(seen) => Ok(((*path).clone(), seen)),
        Err(error) => Err(Error::reading(&format!("`{path}`"), error.into())),
    });
    seen.collect()
}

fn read_up_to_the_last<T>(
    (blob, files): &InLayer,
    look: &dyn Fn(&File, &mut dyn Read) -> io::Result<T>,
) -> Result<Vec<(RelativePath, T)>, Error> {
    let mut left: BTreeMap<_, _> = files.iter().map(|((_, path), file)| (*path, file)).collect();
    let mut seen = Vec::new();
    skim(blob.source, blob.layer, Headers::Leave, &mut |member, content| {
        if let Some(file) = left.remove(&member.path) {
            seen.push((member.path.clone(), look(file, content).map_err(|error| member.failed(error))?));
        }
        Ok(if left.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })
    .map(drop)?;
    Ok(seen)
}

impl<'a> File<'a> {
    /// Returns true if any part of the content can be read and the file is not too large for that.
    pub(super) fn can_be_read(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.offset.is_some() && self.state.size <= place.blob.read_limit)
    }

    /// Returns true if the content may be read without a limit, because it is in the local store or in a folder.
    pub(super) fn is_local(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.blob.read_limit == u64::MAX)
    }

    /// Returns true if the whole content can be read without reading more than the limit.
    pub(super) fn can_be_read_again(&self) -> bool {
        self.place.as_ref().is_some_and(|InBlob { blob, offset, .. }| {
            let bytes = if offset.is_some() { self.state.size } else { blob.layer.descriptor.size };
            bytes <= blob.read_limit
        })
    }

    /// Returns the content; `None` if the layer is compressed, or if only a lock lists the file.
    pub(super) fn content(&self) -> Option<FileContent<'a>> {
        let InBlob { blob, offset, pieces } = self.place.as_ref()?;
        let layer = &blob.layer.descriptor;
        let FileState { size, digest, .. } = self.state;
        let (offset, pieces) = ((*offset)?, Arc::clone(pieces));
        Some(FileContent { blob: blob.source.blob(layer), layer_size: layer.size, offset, size, digest, pieces })
    }
}

/// The content of a file in a layer, of which any part can be read.
pub(super) struct FileContent<'a> {
    blob: Box<dyn oci::Content + 'a>,
    layer_size: u64,
    offset: u64,
    size: u64,
    digest: Option<Digest>,
    pieces: Arc<[Piece]>,
}

impl FileContent<'_> {
    /// Opens `length` bytes from `start` on.
    pub(super) fn open(&self, start: u64, length: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        self.blob.open_range(self.offset + start, length)
    }

    /// Opens the whole content.
    pub(super) fn open_whole(&self) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        self.open(0, self.size)
    }

    /// The known digests of pieces, by their offset and size in the file. Those of tensors are among them.
    pub(super) fn piece_digests(&self) -> HashMap<(u64, u64), PieceDigest> {
        let mut offset = 0;
        let mut digests = HashMap::new();
        for piece in self.pieces.iter() {
            digests.insert((offset, piece.size), piece.digest);
            offset += piece.size;
        }
        digests
    }

    /// Reads the header of a file of weights, verified if its pieces are known. Returns `None` if the header is
    /// invalid.
    pub(super) fn header(&self, format: weights::Format) -> Result<Option<Header>, ContentError> {
        let mut reader = RangedReader::new(&*self.blob, self.layer_size);
        let Self { offset, size, pieces, .. } = self;
        let header = if let Some(digest) = self.digest.filter(|_| !pieces.is_empty()) {
            let place = Place { offset: *offset, size: *size, digest, pieces, header: &[] };
            Header::read(format, VerifiedFile::new(&mut reader, place), Some(*size))
        } else {
            reader.seek(SeekFrom::Start(*offset))?;
            Header::read(format, reader.take(*size), Some(*size))
        };
        match header {
            Ok(header) => Ok(Some(header)),
            Err(weights::Error::Read(error)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }
}
