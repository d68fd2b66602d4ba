//! Writes a layer: files → tar, or one raw file → compression → sink, in one pass.

use std::fs::File;
use std::io;

use super::fingerprint::{Fingerprint, Fingerprinter};
use super::member::Member;
use super::walk::{Found, LayerSource, Walk};
use crate::archive::error::Error;
use crate::archive::reading::{BUFFER_BYTES, read_once};
use crate::archive::tar::{BLOCK, Header, KITOPS_OWNER, padding};
use crate::compression::Compression;
use crate::contents;
use crate::digest::{Digest, DigestWriter, Digesting};
use crate::layer_format::Format;
use crate::progress::Task;
use crate::recipe::RecipeWriter;
use crate::relative_path::RelativePath;
use crate::sys::{FileType, Metadata};

/// The content of a layer that has been written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSummary {
    /// The digest of the uncompressed layer. None for [`Compression::None`]: then it is the digest of the bytes in the
    /// sink, which the owner of the sink already computes, and SHA-256 is too slow to be computed twice.
    pub diff_id: Option<Digest>,
    /// Number of files.
    pub files: u64,
    /// The size of all files in bytes.
    pub bytes: u64,
    /// The mode of the file if the layer is a single file, see [`Measured`](super::walk::Measured).
    pub file_mode: Option<u32>,
    /// True if `.kitignore` excludes the path of the layer itself, see [`Measured`](super::walk::Measured).
    pub path_is_ignored: bool,
    /// The state of each file while it was read. If it equals that of an earlier [`Measured`](super::walk::Measured),
    /// the layer contains exactly the files in this state.
    pub fingerprint: Fingerprint,
    /// The table of contents, compressed; none if it would be too large.
    pub contents: Option<Vec<u8>>,
}

/// Writes the files of `source` as one layer into `sink`.
///
/// Records in `recipe` how the uncompressed layer is assembled, and reports the bytes of files to `task`.
///
/// Equal files give equal bytes: the members of a tar are sorted and contain neither times nor owners, only their mode.
/// Only a single file can be written raw. Memory use does not grow with the size of files.
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
    let mut buffer = vec![0; BUFFER_BYTES];
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
                write_file(source, file.path, opened, &mut buffer, &mut layer, task)?
            }
        };
        bytes += member.size;
        file_mode = source.mode_if_whole(&member);
        fingerprinter.add(&member);
    }
    if format == Format::Raw && file_mode.is_none() {
        // It was a file when the raw format was chosen.
        return Err(Error::FileChanged { path: source.path.clone() });
    }
    let (path_is_ignored, fingerprint) = (walk.path_is_ignored, fingerprinter.finish());
    let contents = layer.finish()?;
    Ok(LayerSummary { diff_id: None, files, bytes, file_mode, path_is_ignored, fingerprint, contents })
}

/// Writes the file `path` with its current mode and size. A file that changes while it is read is an error.
///
/// A file that is smaller than `buffer` costs one read and two queries of metadata: if its size, which did not change,
/// equals the number of bytes read, then that was the whole file.
fn write_file(
    source: &LayerSource,
    path: RelativePath,
    mut file: File,
    buffer: &mut [u8],
    layer: &mut LayerWriter<'_, impl Digesting>,
    task: &dyn Task,
) -> Result<Member, Error> {
    let metadata = metadata_of(&path, &file)?;
    let member = Member::new(path, metadata, &source.modes);
    let read = read_once(&mut file, buffer).map_err(Error::reading(&member.path))?;
    layer.begin_file(&member)?;
    if let Some(mut clone) = layer.record(source, &member.path, &file)? {
        // Later changes do not reach the clone.
        check_unchanged(&member, &file)?;
        layer.put_content(&member, 0, &mut clone, buffer, task)?;
    } else {
        if read < buffer.len() && read as u64 == member.size {
            layer.put_piece(&buffer[..read], task)?;
        } else {
            layer.put_content(&member, read, &mut file, buffer, task)?;
        }
        check_unchanged(&member, &file)?;
    }
    layer.end_file(&member)?;
    Ok(member)
}

/// Checks that `file` still has the metadata of `member`: bytes that were read before and after a change in place are
/// not a state that the file ever had.
fn check_unchanged(member: &Member, file: &File) -> Result<(), Error> {
    let path = &member.path;
    if metadata_of(path, file)? == member.metadata { Ok(()) } else { Err(Error::FileChanged { path: path.clone() }) }
}

fn metadata_of(path: &RelativePath, file: &File) -> Result<Metadata, Error> {
    let metadata = Metadata::of(file).map_err(Error::reading(path))?;
    match metadata.file_type {
        FileType::File => Ok(metadata),
        _ => Err(Error::FileChanged { path: path.clone() }),
    }
}

/// Writes a layer, and adds its files to its table of contents. A tar also has bytes around the contents of files.
///
/// Does not buffer: every sink of a layer has its own buffer, into which large files are read.
struct LayerWriter<'a, W> {
    format: Format,
    sink: W,
    recipe: Option<&'a mut RecipeWriter>,
    contents: contents::Writer,
    /// The number of bytes written to the sink.
    written: u64,
}

impl<'a, W: Digesting> LayerWriter<'a, W> {
    fn new(format: Format, mut sink: W, recipe: Option<&'a mut RecipeWriter>) -> Result<Self, Error> {
        let contents = contents::Writer::new(sink.parts()).map_err(writing_failed)?;
        Ok(Self { format, sink, recipe, contents, written: 0 })
    }

    fn put_folder(&mut self, member: &Member) -> Result<(), Error> {
        self.put_header(member)?;
        self.contents.folder(member.path.clone(), member.mode);
        Ok(())
    }

    /// Begins a file, whose content follows.
    fn begin_file(&mut self, member: &Member) -> Result<(), Error> {
        self.put_header(member)?;
        self.sink.bound();
        self.contents.begin(member.path.clone(), member.mode, member.size, self.written);
        Ok(())
    }

    fn end_file(&mut self, member: &Member) -> Result<(), Error> {
        self.sink.bound();
        self.contents.end();
        self.put_tar(&[0; BLOCK][..padding(member.size)])
    }

    fn put_header(&mut self, member: &Member) -> Result<(), Error> {
        let Member { path, is_directory, mode, size, .. } = member;
        let (is_directory, mode, size) = (*is_directory, *mode, *size);
        self.put_tar(&Header { name: path.as_str(), is_directory, mode, size, owner: KITOPS_OWNER }.to_bytes())
    }

    /// Records the file `path`, whose content follows. If a file is returned, it must be read instead.
    fn record(&mut self, source: &LayerSource, path: &RelativePath, file: &File) -> Result<Option<File>, Error> {
        let Some(recipe) = &mut self.recipe else { return Ok(None) };
        let put = file.metadata().and_then(|metadata| recipe.put_file(&path.join_to(source.root), file, &metadata));
        put.map_err(Error::reading(path))
    }

    /// Writes the content of `member`: the first `filled` bytes of `buffer`, and then the rest of `file`. A shorter or
    /// a longer file is an error.
    fn put_content(
        &mut self,
        member: &Member,
        filled: usize,
        file: &mut File,
        buffer: &[u8],
        task: &dyn Task,
    ) -> Result<(), Error> {
        let Member { path, size, .. } = member;
        let changed = || Error::FileChanged { path: path.clone() };
        let mut left = size.checked_sub(filled as u64).ok_or_else(changed)?;
        self.put_piece(&buffer[..filled], task)?;
        loop {
            let read = self.put_next(path, file, task)?;
            if read == 0 {
                return if left == 0 { Ok(()) } else { Err(changed()) };
            }
            left = left.checked_sub(read as u64).ok_or_else(changed)?;
        }
    }

    /// Reads the next bytes of `file` into the memory of the sink, and returns their number.
    fn put_next(&mut self, path: &RelativePath, file: &mut File, task: &dyn Task) -> Result<usize, Error> {
        let (contents, mut failure) = (&mut self.contents, None);
        let read = self.sink.write_from(&mut |space| match read_once(file, space) {
            Ok(read) => {
                contents.take(&space[..read]);
                Ok(read)
            }
            Err(error) => {
                failure = Some(Error::reading(path)(error));
                Ok(0)
            }
        });
        let read = read.map_err(writing_failed)?;
        self.written += read as u64;
        task.advance(read as u64);
        failure.map_or(Ok(read), Err)
    }

    /// Writes the next bytes of a file.
    fn put_piece(&mut self, piece: &[u8], task: &dyn Task) -> Result<(), Error> {
        self.contents.take(piece);
        self.put(piece)?;
        task.advance(piece.len() as u64);
        Ok(())
    }

    /// Writes bytes of the tar that do not belong to the content of a file.
    fn put_tar(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.format == Format::Raw {
            return Ok(());
        }
        if let Some(recipe) = &mut self.recipe {
            recipe.put_bytes(bytes).map_err(writing_failed)?;
        }
        self.put(bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.written += bytes.len() as u64;
        self.sink.write_all(bytes).map_err(writing_failed)
    }

    /// Writes the two empty blocks at the end of a tar without rounding up the size further, as Go does. Returns the
    /// table of contents.
    fn finish(mut self) -> Result<Option<Vec<u8>>, Error> {
        self.put_tar(&[0; 2 * BLOCK])?;
        self.sink.settle().map_err(writing_failed)?;
        self.contents.finish().map_err(writing_failed)
    }
}

fn writing_failed(source: io::Error) -> Error {
    Error::WriteLayer { source }
}
