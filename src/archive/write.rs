//! Writes a layer: files → tar, or one file as it is → compression → sink, in one pass and with one buffer.

use std::fs::File;
use std::io::{self, Read};

use rustix::fs::{FileType, Stat};

use super::fingerprint::Fingerprinter;
use super::header::{BLOCK, Header, KITOPS_OWNER, padding};
use super::reading::{BUFFER_BYTES, read_once};
use super::walk::{Found, Member, Walk};
use super::{Error, Fingerprint, LayerSource};
use crate::compression::Compression;
use crate::contents;
use crate::digest::{Digest, DigestWriter, Digesting};
use crate::layer_format::Format;
use crate::progress::Task;
use crate::recipe::RecipeWriter;
use crate::relative_path::RelativePath;

/// What a layer holds that has been written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSummary {
    /// The digest of the uncompressed layer. None for [`Compression::None`]: that is then what went into the sink, whose owner
    /// knows its digest already, and SHA-256 is too slow to be computed twice.
    pub diff_id: Option<Digest>,
    /// Number of files.
    pub files: u64,
    /// Their size together.
    pub bytes: u64,
    /// The mode of the file that the path of the layer is, see [`Measured`](super::Measured).
    pub file_mode: Option<u32>,
    /// Whether `.kitignore` takes out the path of the layer itself, see [`Measured`](super::Measured).
    pub path_is_ignored: bool,
    /// The state of each file after it had been read. If it is that of a [`Measured`](super::Measured) from before, the layer
    /// holds exactly the files in this state.
    pub fingerprint: Fingerprint,
    /// The table of contents, compressed; none if it would be too large.
    pub contents: Option<Vec<u8>>,
}

/// Writes what `source` chooses as one layer into `sink`, tells `recipe` how the layer is put together before it is compressed,
/// and tells `task` of the bytes of files.
///
/// Equal files give equal bytes: the members of a tar are sorted and carry neither times nor owners, only their mode. What is no
/// file cannot be written raw. Memory use does not grow with the size of files.
pub fn write_layer(
    source: &LayerSource,
    format: Format,
    compression: Compression,
    recipe: Option<&mut RecipeWriter>,
    mut sink: impl Digesting,
    task: &dyn Task,
) -> Result<LayerSummary, Error> {
    let summary = if compression == Compression::None {
        write_uncompressed(source, format, recipe, &mut sink, task)?
    } else {
        let encoder = compression.encoder(&mut sink, || task.saves_little()).map_err(writing_failed)?;
        let mut digesting = DigestWriter::new(encoder);
        let summary = write_uncompressed(source, format, recipe, &mut digesting, task)?;
        let (encoder, diff_id, _) = digesting.finish();
        encoder.finish().map_err(writing_failed)?;
        LayerSummary { diff_id: Some(diff_id), ..summary }
    };
    sink.flush().map_err(writing_failed)?;
    Ok(summary)
}

fn write_uncompressed(
    source: &LayerSource,
    format: Format,
    recipe: Option<&mut RecipeWriter>,
    sink: impl Digesting,
    task: &dyn Task,
) -> Result<LayerSummary, Error> {
    let (mut files, mut bytes, mut file_mode) = (0, 0, None);
    let mut fingerprinter = Fingerprinter::new();
    let mut layer = LayerWriter::new(format, sink, recipe)?;
    let mut beginning = vec![0; SMALL_BYTES];
    let mut walk = Walk::new(source)?;
    while let Some(found) = walk.next() {
        let member = match found? {
            Found::Directory(member) => {
                layer.put_folder(&member)?;
                member
            }
            Found::File(file) => {
                files += 1;
                let opened = walk.open_file(&file)?;
                write_file(source, file.path, opened, &mut beginning, &mut layer, task)?
            }
        };
        bytes += member.size;
        file_mode = source.mode_if_whole(&member);
        fingerprinter.add(&member);
    }
    if format == Format::Raw && file_mode.is_none() {
        // It was a file when somebody chose to write it like this.
        return Err(Error::FileChanged { path: source.path.clone() });
    }
    let (path_is_ignored, fingerprint) = (walk.path_is_ignored, fingerprinter.finish());
    let contents = layer.finish()?;
    Ok(LayerSummary { diff_id: None, files, bytes, file_mode, path_is_ignored, fingerprint, contents })
}

/// Files up to this size are read before they are looked at.
const SMALL_BYTES: usize = 64 * 1024;

/// Writes the file `path` with the mode and size that it has by now, and returns it as it is when it has been read.
///
/// A small file costs one read and one look. As its size, seen afterwards, is what one read gave, that was all of it.
fn write_file(
    source: &LayerSource,
    path: RelativePath,
    mut file: File,
    beginning: &mut [u8],
    layer: &mut LayerWriter<'_, impl Digesting>,
    task: &dyn Task,
) -> Result<Member, Error> {
    let read = read_once(&mut file, beginning).map_err(Error::reading(&path))?;
    let status = status_of(&path, &file)?;
    let member = Member::new(path, status);
    layer.begin_file(&member)?;
    if let Some(mut clone) = layer.record(source, &member.path, &file)? {
        layer.put_content(&member, &mut clone, task)?;
    } else if read < beginning.len() && read as u64 == member.size {
        layer.put_small_content(&beginning[..read])?;
        layer.end_file(&member)?;
        task.advance(member.size);
        return Ok(member);
    } else {
        layer.put_content(&member, &mut beginning[..read].chain(&file), task)?;
    }
    layer.end_file(&member)?;
    let status = status_of(&member.path, &file)?;
    Ok(Member::new(member.path, status))
}

fn status_of(path: &RelativePath, file: &File) -> Result<Stat, Error> {
    let status = rustix::fs::fstat(file).map_err(|error| Error::reading(path)(error.into()))?;
    match FileType::from_raw_mode(status.st_mode) {
        FileType::RegularFile => Ok(status),
        _ => Err(Error::FileChanged { path: path.clone() }),
    }
}

/// Collects a layer in one buffer, into which files are read directly, and enters them in its table of contents. Around their
/// contents, a tar has bytes of its own.
struct LayerWriter<'a, W> {
    format: Format,
    sink: W,
    recipe: Option<&'a mut RecipeWriter>,
    contents: contents::Writer,
    buffer: Vec<u8>,
    filled: usize,
    /// Where in the buffer files begin and end.
    bounds: Vec<usize>,
    /// How many bytes the sink has.
    flushed: u64,
}

impl<'a, W: Digesting> LayerWriter<'a, W> {
    fn new(format: Format, mut sink: W, recipe: Option<&'a mut RecipeWriter>) -> Result<Self, Error> {
        let contents = contents::Writer::new(sink.hasher().parts()).map_err(writing_failed)?;
        let buffer = vec![0; BUFFER_BYTES];
        Ok(Self { format, sink, recipe, contents, buffer, filled: 0, bounds: Vec::new(), flushed: 0 })
    }

    fn put_folder(&mut self, member: &Member) -> Result<(), Error> {
        self.put_header(member)?;
        self.contents.folder(member.path.clone(), member.mode);
        Ok(())
    }

    /// The content comes next.
    fn begin_file(&mut self, member: &Member) -> Result<(), Error> {
        self.put_header(member)?;
        self.bounds.push(self.filled);
        let offset = self.flushed + self.filled as u64;
        self.contents.begin(member.path.clone(), member.mode, member.size, offset);
        Ok(())
    }

    fn end_file(&mut self, member: &Member) -> Result<(), Error> {
        self.bounds.push(self.filled);
        self.contents.end();
        self.put_tar(&[0; BLOCK][..padding(member.size)])
    }

    fn put_header(&mut self, member: &Member) -> Result<(), Error> {
        let Member { path, is_directory, mode, size, .. } = member;
        let (is_directory, mode, size) = (*is_directory, *mode, *size);
        self.put_tar(&Header { name: path.as_str(), is_directory, mode, size, owner: KITOPS_OWNER }.to_bytes())
    }

    /// Notes the file `path`, whose content comes next. What is returned is to be read instead of it, if anything is.
    fn record(&mut self, source: &LayerSource, path: &RelativePath, file: &File) -> Result<Option<File>, Error> {
        let Some(recipe) = &mut self.recipe else { return Ok(None) };
        let put = file.metadata().and_then(|metadata| recipe.put_file(&path.join_to(source.root), file, &metadata));
        put.map_err(Error::reading(path))
    }

    fn put_small_content(&mut self, content: &[u8]) -> Result<(), Error> {
        self.contents.take(content);
        self.fill(content)
    }

    /// Writes the content of `member` from `file`. Both a shorter and a longer file are refused.
    fn put_content(&mut self, member: &Member, file: &mut impl Read, task: &dyn Task) -> Result<(), Error> {
        let Member { path, size, .. } = member;
        let failed = Error::reading(path);
        let mut left = *size;
        while left > 0 {
            let space = self.space()?;
            let wanted = usize::try_from(left).map_or(space.len(), |left| left.min(space.len()));
            let read = read_once(file, &mut space[..wanted]).map_err(&failed)?;
            if read == 0 {
                return Err(Error::FileChanged { path: path.clone() });
            }
            self.contents.take(&self.buffer[self.filled..][..read]);
            self.filled += read;
            left -= read as u64;
            task.advance(read as u64);
        }
        if read_once(file, &mut [0]).map_err(&failed)? > 0 {
            return Err(Error::FileChanged { path: path.clone() });
        }
        Ok(())
    }

    /// Writes what is no content of a file.
    fn put_tar(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.format == Format::Raw {
            return Ok(());
        }
        if let Some(recipe) = &mut self.recipe {
            recipe.put_bytes(bytes).map_err(writing_failed)?;
        }
        self.fill(bytes)
    }

    fn fill(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let space = self.space()?;
            let (now, later) = bytes.split_at(bytes.len().min(space.len()));
            space[..now.len()].copy_from_slice(now);
            self.filled += now.len();
            bytes = later;
        }
        Ok(())
    }

    /// The free part of the buffer, which is never empty.
    fn space(&mut self) -> Result<&mut [u8], Error> {
        if self.filled == self.buffer.len() {
            self.flush()?;
        }
        Ok(&mut self.buffer[self.filled..])
    }

    fn flush(&mut self) -> Result<(), Error> {
        let mut written = 0;
        for bound in self.bounds.drain(..) {
            self.sink.write_all(&self.buffer[written..bound]).map_err(writing_failed)?;
            self.sink.hasher().bound();
            written = bound;
        }
        self.sink.write_all(&self.buffer[written..self.filled]).map_err(writing_failed)?;
        self.flushed += self.filled as u64;
        self.filled = 0;
        Ok(())
    }

    /// Writes the two empty blocks at the end of a tar, and no more: Go does not round up. Returns the table of contents.
    fn finish(mut self) -> Result<Option<Vec<u8>>, Error> {
        self.put_tar(&[0; 2 * BLOCK])?;
        self.flush()?;
        self.sink.hasher().settle();
        self.contents.finish().map_err(writing_failed)
    }
}

fn writing_failed(source: io::Error) -> Error {
    Error::WriteLayer { source }
}
