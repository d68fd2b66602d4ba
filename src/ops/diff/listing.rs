//! Which files the layers of one side hold, and reading of them as little as tells.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use crate::compression::Compression;
use crate::digest::Digest;
use crate::layer_format::Format;
use crate::modelkit::Layer;
use crate::oci::{Content, ContentError, RangedReader, Source};
use crate::ops::lock::{buffer, digest};
use crate::ops::members::{Member, skim};
use crate::ops::{Error, workers};
use crate::progress::Silent;
use crate::relative_path::RelativePath;
use crate::tensors::{self as weights, Header};

/// A file of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    /// The permissions.
    pub mode: u32,
    /// In bytes.
    pub size: u64,
    /// Of the content, if that was read.
    pub digest: Option<Digest>,
}

/// Layers of one side.
pub(super) struct Side<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) layers: Vec<&'a Layer>,
    /// The longest content that is read for comparison.
    pub(super) read_limit: u64,
}

/// A file in a layer.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) layer: &'a Layer,
    pub(super) state: FileState,
    /// What stands for the headers of the layer, if it holds no other file.
    pub(super) frame: Option<Digest>,
    side: &'a Side<'a>,
    /// Where the content begins in the layer, unless that is compressed.
    offset: Option<u64>,
}

/// Files by path.
pub(super) type Files<'a> = BTreeMap<RelativePath, File<'a>>;

/// The files in the layers of `side`, with `jobs` layers at once.
///
/// Of layers without compression only headers are read. Others are read from front to end, and so their files get digests.
pub(super) fn list<'a>(side: &'a Side<'a>, jobs: usize) -> Result<Files<'a>, Error> {
    let lists = workers::run(jobs, &side.layers, |layer| list_layer(side, layer))?;
    Ok(lists.into_iter().flatten().collect())
}

fn list_layer<'a>(side: &'a Side<'a>, layer: &'a Layer) -> Result<Vec<(RelativePath, File<'a>)>, Error> {
    let (mut files, mut frame) = (Vec::new(), Vec::new());
    skim(side.source, layer, &mut |member, content| {
        if files.len() < 2 {
            frame.push(format!("{} {:o} {:?}\0", member.path, member.mode, member.size));
        }
        if !member.is_directory {
            let state = state(layer, member, content)?;
            files.push((member.path.clone(), File { layer, state, frame: None, side, offset: member.offset }));
        }
        Ok(ControlFlow::Continue(()))
    })
    .map(drop)?;
    if let [(_, file)] = &mut files[..] {
        file.frame = Some(Digest::of(frame.concat().as_bytes()));
    }
    Ok(files)
}

/// The content is read only if it passes anyway.
fn state(layer: &Layer, member: &Member, content: &mut dyn Read) -> Result<FileState, Error> {
    let (mode, blob) = (member.mode, &layer.descriptor);
    if let Some(size) = member.size.filter(|_| layer.compression == Compression::None) {
        let digest = (layer.format == Format::Raw).then_some(blob.digest);
        return Ok(FileState { mode, size, digest });
    }
    let read = digest(content, &mut buffer(member.size), &Silent).map_err(|error| member.failed(error))?;
    Ok(FileState { mode, size: read.1, digest: Some(read.0) })
}

/// Reads the digests of the files whose paths are `wanted`.
pub(super) fn read_digests(files: &mut Files, wanted: &[RelativePath], jobs: usize) -> Result<(), Error> {
    let read = look_into(files, wanted, jobs, |file, content| {
        let (digest, size) = digest(content, &mut buffer(Some(file.state.size)), &Silent)?;
        if size == file.state.size { Ok(digest) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    })?;
    for (path, digest) in read {
        if let Some(file) = files.get_mut(&path) {
            file.state.digest = Some(digest);
        }
    }
    Ok(())
}

/// Gives `look` the content of each of the files `wanted`, those of one layer in one go: small files that are neighbours come
/// together. A compressed layer is read once more, up to the last of them.
pub(super) fn look_into<T: Send>(
    files: &Files,
    wanted: &[RelativePath],
    jobs: usize,
    look: impl Fn(&File, &mut dyn Read) -> io::Result<T> + Sync,
) -> Result<Vec<(RelativePath, T)>, Error> {
    let mut layers: BTreeMap<(Digest, &RelativePath), Vec<(&RelativePath, &File)>> = BTreeMap::new();
    for path in wanted {
        let file = &files[path];
        layers.entry((file.layer.descriptor.digest, &file.layer.path)).or_default().push((path, file));
    }
    let layers: Vec<_> = layers.into_values().collect();
    let seen = workers::run(jobs, &layers, |files| match files[0].1.layer.compression {
        Compression::None => jump_through(files, &look),
        _ => read_up_to_the_last(files, &look),
    })?;
    Ok(seen.into_iter().flatten().collect())
}

/// Files of one layer.
type InLayer<'f> = [(&'f RelativePath, &'f File<'f>)];

fn jump_through<T>(
    files: &InLayer,
    look: &dyn Fn(&File, &mut dyn Read) -> io::Result<T>,
) -> Result<Vec<(RelativePath, T)>, Error> {
    let (_, File { side, layer, .. }) = files[0];
    let blob = side.source.blob(&layer.descriptor);
    let mut reader = RangedReader::new(&*blob, layer.descriptor.size);
    let mut files = files.to_vec();
    files.sort_by_key(|(_, file)| file.offset);
    let mut look_at = |path: &RelativePath, file: &File| -> io::Result<(RelativePath, T)> {
        reader.seek(SeekFrom::Start(file.offset.unwrap_or_default()))?;
        Ok((path.clone(), look(file, &mut reader.by_ref().take(file.state.size))?))
    };
    let seen = files.into_iter().map(|(path, file)| look_at(path, file).map_err(|error| failed(path, error.into())));
    seen.collect()
}

fn read_up_to_the_last<T>(
    files: &InLayer,
    look: &dyn Fn(&File, &mut dyn Read) -> io::Result<T>,
) -> Result<Vec<(RelativePath, T)>, Error> {
    let (_, File { side, layer, .. }) = files[0];
    let mut left: BTreeMap<_, _> = files.iter().copied().collect();
    let mut seen = Vec::new();
    skim(side.source, layer, &mut |member, content| {
        if let Some(file) = left.remove(&member.path) {
            seen.push((member.path.clone(), look(file, content).map_err(|error| member.failed(error))?));
        }
        Ok(if left.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })
    .map(drop)?;
    Ok(seen)
}

fn failed(path: &RelativePath, error: ContentError) -> Error {
    Error::reading(&format!("`{path}`"), error)
}

impl<'a> File<'a> {
    /// Whether parts of the content can be read, and are not too long.
    pub(super) fn can_be_read(&self) -> bool {
        self.offset.is_some() && self.state.size <= self.side.read_limit
    }

    /// The content; none of a compressed layer.
    pub(super) fn content(&self) -> Option<FileContent<'a>> {
        let blob = self.side.source.blob(&self.layer.descriptor);
        let (layer_size, size) = (self.layer.descriptor.size, self.state.size);
        Some(FileContent { blob, layer_size, offset: self.offset?, size })
    }
}

/// The content of a file in a layer, of which any part can be read.
pub(super) struct FileContent<'a> {
    blob: Box<dyn Content + 'a>,
    layer_size: u64,
    offset: u64,
    size: u64,
}

impl FileContent<'_> {
    /// Opens `length` bytes from `start` on.
    pub(super) fn open(&self, start: u64, length: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        self.blob.open_range(self.offset + start, length)
    }

    /// The digest of `length` bytes from `start` on.
    pub(super) fn digest_of(&self, start: u64, length: u64) -> Result<Digest, ContentError> {
        let (digest, read) = digest(&mut *self.open(start, length)?, &mut buffer(Some(length)), &Silent)?;
        if read == length { Ok(digest) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
    }

    /// The header of the file of weights that this is; none if it cannot be understood.
    pub(super) fn header(&self, format: weights::Format) -> Result<Option<Header>, ContentError> {
        let mut reader = RangedReader::new(&*self.blob, self.layer_size);
        reader.seek(SeekFrom::Start(self.offset))?;
        match Header::read(format, reader.take(self.size), Some(self.size)) {
            Ok(header) => Ok(Some(header)),
            Err(weights::Error::Read(error)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }
}
