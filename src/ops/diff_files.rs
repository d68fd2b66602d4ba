//! Which files differ between layers, and how. Reads of them as little as tells.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::{Concern, Error, TensorsDiff, workers};
use crate::archive::{LayerShape, Listing};
use crate::compression::Compression;
use crate::digest::{Digest, DigestWriter};
use crate::layer_format::Format;
use crate::modelkit::{Layer, label};
use crate::oci::{ContentError, RangedReader, Source};
use crate::relative_path::RelativePath;
use crate::tensors::{self as weights, Header};

/// A file that is not the same on both sides.
#[derive(Debug, Clone)]
pub struct FileDiff {
    /// Where it is, in the second if it is there.
    pub path: RelativePath,
    /// Whom it concerns.
    pub concern: Concern,
    /// What happened to it.
    pub change: FileChange,
    /// The file in the first.
    pub before: Option<FileState>,
    /// The file in the second.
    pub after: Option<FileState>,
    /// What differs in it, if it is a file of weights on both sides whose headers can be read.
    pub tensors: Option<TensorsDiff>,
}

/// What happened to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Removed,
    /// Its content is another one.
    Changed,
    /// The same content was at this path, where it is no more.
    Moved(RelativePath),
    /// Only its permissions are others.
    Mode,
    /// Path and size are the same, and perhaps the mode; the contents were not read, since they are large and far away.
    NotCompared,
}

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
    pub(super) side: &'a Side<'a>,
    layer: &'a Layer,
    /// Where the content begins in the layer, unless that is compressed.
    offset: Option<u64>,
    /// What stands for the headers of the layer, if it holds no other file.
    frame: Option<Digest>,
    state: FileState,
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
    let blob = side.source.blob(&layer.descriptor);
    let shape = LayerShape { path: layer.path.clone(), base: layer.base.clone() };
    let bytes = layer.descriptor.size;
    if layer.compression == Compression::None {
        return match layer.format {
            Format::Tar => members(side, layer, Listing::hopping(RangedReader::new(&*blob, bytes), shape)),
            Format::Raw => Ok(vec![(layer.path.clone(), whole(side, layer, bytes, layer.descriptor.digest))]),
        };
    }
    let failed = |error| Error::reading(&label(&layer.descriptor), error);
    let opened = BufReader::new(blob.open_at(0).map_err(failed)?);
    let mut decoder = layer.compression.decoder(opened).map_err(|error| failed(error.into()))?;
    match layer.format {
        Format::Tar => members(side, layer, Listing::reading(decoder, shape)),
        Format::Raw => {
            let (digest, bytes) = digest(&mut decoder).map_err(|error| failed(error.into()))?;
            Ok(vec![(layer.path.clone(), whole(side, layer, bytes, digest))])
        }
    }
}

/// The files of a tar. The content is read if it passes anyway.
fn members<'a, R: Read>(
    side: &'a Side<'a>,
    layer: &'a Layer,
    mut listing: Listing<R>,
) -> Result<Vec<(RelativePath, File<'a>)>, Error> {
    let is_plain = layer.compression == Compression::None;
    let (mut files, mut frame) = (Vec::new(), Vec::new());
    while let Some(member) = listing.next_member().map_err(|source| Error::Look(label(&layer.descriptor), source))? {
        if files.len() < 2 {
            frame.push(format!("{} {:o} {}\0", member.path, member.mode, member.size));
        }
        if member.is_directory {
            continue;
        }
        let failed = |error: io::Error| Error::reading(&format!("`{}`", member.path), error.into());
        let digest = if is_plain { None } else { Some(digest(&mut listing).map_err(failed)?.0) };
        let state = FileState { mode: member.mode, size: member.size, digest };
        files.push((member.path, File { side, layer, offset: is_plain.then_some(member.offset), frame: None, state }));
    }
    if let [(_, file)] = &mut files[..] {
        file.frame = Some(Digest::of(frame.concat().as_bytes()));
    }
    Ok(files)
}

/// The mode of files that come without one, as they are unpacked.
const RAW_MODE: u32 = 0o644;

/// The file that a raw layer is.
fn whole<'a>(side: &'a Side<'a>, layer: &'a Layer, bytes: u64, digest: Digest) -> File<'a> {
    let offset = (layer.compression == Compression::None).then_some(0);
    let mode = layer.file_mode.unwrap_or(RAW_MODE);
    File { side, layer, offset, frame: None, state: FileState { mode, size: bytes, digest: Some(digest) } }
}

fn digest(content: &mut dyn Read) -> io::Result<(Digest, u64)> {
    let mut sink = DigestWriter::new(io::sink());
    io::copy(content, &mut sink)?;
    let (_, digest, size) = sink.finish();
    Ok((digest, size))
}

/// What differs between `first` and `second`, by path. Contents are read, `jobs` at once, where sizes do not tell.
pub(super) fn compare(first: &mut Files, second: &mut Files, jobs: usize) -> Result<Vec<FileDiff>, Error> {
    read_where_sizes_are_equal(first, second, jobs)?;
    let mut gone: HashMap<Digest, VecDeque<(RelativePath, File)>> = HashMap::new();
    let mut found = Vec::new();
    for (path, before) in &*first {
        match (second.get(path), before.state.digest) {
            (Some(after), _) => found.extend(change(before, after).map(|it| diff(path, it, Some(before), Some(after)))),
            (None, Some(digest)) => gone.entry(digest).or_default().push_back((path.clone(), *before)),
            (None, None) => found.push(diff(path, FileChange::Removed, Some(before), None)),
        }
    }
    for (path, after) in second.iter().filter(|(path, _)| !first.contains_key(*path)) {
        let from = after.state.digest.and_then(|digest| gone.get_mut(&digest)?.pop_front());
        found.push(match &from {
            Some((from, before)) => diff(path, FileChange::Moved(from.clone()), Some(before), Some(after)),
            None => diff(path, FileChange::Added, None, Some(after)),
        });
    }
    let gone = gone.into_values().flatten();
    found.extend(gone.map(|(path, before)| diff(&path, FileChange::Removed, Some(&before), None)));
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn diff(path: &RelativePath, change: FileChange, before: Option<&File>, after: Option<&File>) -> FileDiff {
    let file = after.or(before).expect("a file is on one side at least");
    let concern = Concern::of_file(file.layer.section, path);
    let state = |file: &File| file.state;
    FileDiff { path: path.clone(), concern, change, before: before.map(state), after: after.map(state), tensors: None }
}

fn change(before: &File, after: &File) -> Option<FileChange> {
    let (one, other) = (before.state, after.state);
    let of_mode = (one.mode != other.mode).then_some(FileChange::Mode);
    match (one.digest, other.digest) {
        _ if one.size != other.size => Some(FileChange::Changed),
        (Some(one), Some(other)) if one != other => Some(FileChange::Changed),
        (Some(_), Some(_)) => of_mode,
        // All else in the layers is the same, and the layers are not. Packers write nothing into them that would tell times.
        _ if before.frame.is_some() && before.frame == after.frame => Some(FileChange::Changed),
        _ => Some(FileChange::NotCompared),
    }
}

/// Gives digests to files whose content may be that of one on the other side: of the same path, or gone and come.
fn read_where_sizes_are_equal(first: &mut Files, second: &mut Files, jobs: usize) -> Result<(), Error> {
    let sizes = |files: &Files, others: &Files| -> HashSet<u64> {
        files.iter().filter(|(path, _)| !others.contains_key(*path)).map(|(_, file)| file.state.size).collect()
    };
    let (gone, come) = (sizes(first, second), sizes(second, first));
    let is_wanted = |path: &RelativePath, file: &File, others: &Files, sizes: &HashSet<u64>| {
        let may_be_equal = match others.get(path) {
            Some(other) => other.state.size == file.state.size && (other.can_be_read() || other.state.digest.is_some()),
            None => sizes.contains(&file.state.size),
        };
        may_be_equal && file.state.digest.is_none() && file.can_be_read()
    };
    let wanted = |files: &Files, others: &Files, sizes| -> Vec<RelativePath> {
        let wanted = files.iter().filter(|(path, file)| is_wanted(path, file, others, sizes));
        wanted.map(|(path, _)| path.clone()).collect()
    };
    let (from_first, from_second) = (wanted(first, second, &come), wanted(second, first, &gone));
    read(first, &from_first, jobs)?;
    read(second, &from_second, jobs)
}

/// Reads the files `wanted`, those of one layer in one go: small files that are neighbours come together.
fn read(files: &mut Files, wanted: &[RelativePath], jobs: usize) -> Result<(), Error> {
    let mut by_layer: BTreeMap<Digest, Vec<(&RelativePath, File)>> = BTreeMap::new();
    for path in wanted {
        by_layer.entry(files[path].layer.descriptor.digest).or_default().push((path, files[path]));
    }
    let mut layers: Vec<_> = by_layer.into_values().collect();
    for layer in &mut layers {
        layer.sort_by_key(|(_, file)| file.offset);
    }
    for (path, digest) in workers::run(jobs, &layers, |layer| read_in_layer(layer))?.into_iter().flatten() {
        if let Some(file) = files.get_mut(&path) {
            file.state.digest = Some(digest);
        }
    }
    Ok(())
}

/// The digests of `files`, which come in the order of their layer.
fn read_in_layer(files: &[(&RelativePath, File)]) -> Result<Vec<(RelativePath, Digest)>, Error> {
    let Some((_, File { side, layer, .. })) = files.first() else { return Ok(Vec::new()) };
    let blob = side.source.blob(&layer.descriptor);
    let mut reader = RangedReader::new(&*blob, layer.descriptor.size);
    let read = |(path, file): &(&RelativePath, File)| {
        let failed = |error: io::Error| Error::reading(&format!("`{path}`"), error.into());
        reader.seek(SeekFrom::Start(file.offset.unwrap_or_default())).map_err(failed)?;
        let (digest, bytes) = digest(&mut reader.by_ref().take(file.state.size)).map_err(failed)?;
        if bytes == file.state.size {
            Ok(((*path).clone(), digest))
        } else {
            Err(failed(io::ErrorKind::UnexpectedEof.into()))
        }
    };
    files.iter().map(read).collect()
}

impl File<'_> {
    /// Whether parts of the content can be read, and are not too long.
    pub(super) fn can_be_read(&self) -> bool {
        self.offset.is_some() && self.state.size <= self.side.read_limit
    }

    /// The digest of `length` bytes of the content from `start` on; none of a compressed layer.
    pub(super) fn digest_of(&self, start: u64, length: u64) -> Result<Option<Digest>, ContentError> {
        let Some(offset) = self.offset else { return Ok(None) };
        let blob = self.side.source.blob(&self.layer.descriptor);
        let (digest, read) = digest(&mut *blob.open_range(offset + start, length)?)?;
        if read == length { Ok(Some(digest)) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
    }

    /// The header of the file of weights that this is; none of a compressed layer, or if it cannot be understood.
    pub(super) fn header(&self, format: weights::Format) -> Result<Option<Header>, ContentError> {
        let Some(offset) = self.offset else { return Ok(None) };
        let blob = self.side.source.blob(&self.layer.descriptor);
        let mut reader = RangedReader::new(&*blob, self.layer.descriptor.size);
        reader.seek(SeekFrom::Start(offset))?;
        match Header::read(format, reader.take(self.state.size), Some(self.state.size)) {
            Ok(header) => Ok(Some(header)),
            Err(weights::Error::Read(error)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }
}
