//! Writes a layer: files → tar → compression → sink, in one pass and with one buffer.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::Path;

use super::fingerprint::Fingerprinter;
use super::header::{BLOCK, Header, padding};
use super::reading::{BUFFER_BYTES, read_once};
use super::walk::{Member, Walk};
use super::{Error, Fingerprint, LayerSource};
use crate::compression::Compression;
use crate::digest::{Digest, DigestWriter};
use crate::progress::Task;
use crate::recipe::RecipeWriter;
use crate::relative_path::RelativePath;

/// What a layer holds that has been written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSummary {
    /// The digest of the tar. None for [`Compression::None`]: the tar is then what went into the sink, whose owner knows its
    /// digest already, and SHA-256 is too slow to be computed twice.
    pub diff_id: Option<Digest>,
    /// Number of files.
    pub files: u64,
    /// Their size together.
    pub bytes: u64,
    /// Whether `.kitignore` takes out the path of the layer itself, see [`Measured`](super::Measured).
    pub path_is_ignored: bool,
    /// The state of each file after it had been read. If it is that of a [`Measured`](super::Measured) from before, the layer
    /// holds exactly the files in this state.
    pub fingerprint: Fingerprint,
}

/// Writes what `source` chooses as one tar layer into `sink`, and tells `task` of the bytes of files.
///
/// Equal files give equal bytes: members are sorted and carry neither times nor owners, only their mode.
/// Memory use does not grow with the size of files.
pub fn write_layer(
    source: &LayerSource,
    compression: Compression,
    sink: impl Write,
    task: &dyn Task,
) -> Result<LayerSummary, Error> {
    write_recorded(source, compression, None, sink, task)
}

/// Like [`write_layer`], and tells `recipe` how the tar in the layer is put together.
pub fn record_layer(
    source: &LayerSource,
    compression: Compression,
    recipe: &mut RecipeWriter,
    sink: impl Write,
    task: &dyn Task,
) -> Result<LayerSummary, Error> {
    write_recorded(source, compression, Some(recipe), sink, task)
}

fn write_recorded(
    source: &LayerSource,
    compression: Compression,
    recipe: Option<&mut RecipeWriter>,
    sink: impl Write,
    task: &dyn Task,
) -> Result<LayerSummary, Error> {
    let mut encoder = compression.encoder(sink, || task.saves_little()).map_err(writing_failed)?;
    let summary = if compression == Compression::None {
        write_tar(source, recipe, &mut encoder, task)?
    } else {
        let mut digesting = DigestWriter::new(&mut encoder);
        let summary = write_tar(source, recipe, &mut digesting, task)?;
        let (_, diff_id, _) = digesting.finish();
        LayerSummary { diff_id: Some(diff_id), ..summary }
    };
    encoder.finish().and_then(|mut sink| sink.flush()).map_err(writing_failed)?;
    Ok(summary)
}

fn write_tar(
    source: &LayerSource,
    recipe: Option<&mut RecipeWriter>,
    sink: impl Write,
    task: &dyn Task,
) -> Result<LayerSummary, Error> {
    let (mut files, mut bytes) = (0, 0);
    let mut fingerprinter = Fingerprinter::new();
    let mut tar = TarWriter { sink, recipe, buffer: vec![0; BUFFER_BYTES], filled: 0 };
    let mut walk = Walk::new(source)?;
    for member in &mut walk {
        let member = member?;
        if member.is_directory {
            tar.put_header(&member)?;
            fingerprinter.add(&member);
        } else {
            let member = write_file(source, &member.path, &mut tar, task)?;
            fingerprinter.add(&member);
            bytes += member.size;
            files += 1;
        }
    }
    let (path_is_ignored, fingerprint) = (walk.path_is_ignored, fingerprinter.finish());
    tar.finish()?;
    Ok(LayerSummary { diff_id: None, files, bytes, path_is_ignored, fingerprint })
}

/// Writes the file `path` with the mode and size that it has by now, and returns it as it is when it has been read.
fn write_file(
    source: &LayerSource,
    path: &RelativePath,
    tar: &mut TarWriter<'_, impl Write>,
    task: &dyn Task,
) -> Result<Member, Error> {
    let failed = Error::reading(path);
    let place = path.join_to(source.root);
    let mut file = fs_err::File::open(&place).map_err(&failed)?;
    let metadata = file.metadata().map_err(&failed)?;
    if !metadata.is_file() {
        return Err(Error::FileChanged { path: path.clone() });
    }
    let member = Member::new(path.clone(), &metadata);
    tar.put_header(&member)?;
    match tar.record(&place, &file, &metadata).map_err(&failed)? {
        Some(mut clone) => tar.put_content(path, &mut clone, member.size, task)?,
        None => tar.put_content(path, &mut file, member.size, task)?,
    }
    let metadata = file.metadata().map_err(&failed)?;
    Ok(Member::new(path.clone(), &metadata))
}

/// Collects a tar in one buffer, into which files are read directly.
struct TarWriter<'a, W> {
    sink: W,
    recipe: Option<&'a mut RecipeWriter>,
    buffer: Vec<u8>,
    filled: usize,
}

impl<W: Write> TarWriter<'_, W> {
    fn put_header(&mut self, member: &Member) -> Result<(), Error> {
        let Member { path, is_directory, mode, size, .. } = member;
        self.put(&Header { name: path.as_str(), is_directory: *is_directory, mode: *mode, size: *size }.to_bytes())
    }

    /// Notes the file whose content comes next. What is returned is to be read instead of it, if anything is.
    fn record(&mut self, place: &Path, file: &fs_err::File, metadata: &Metadata) -> io::Result<Option<File>> {
        let Some(recipe) = &mut self.recipe else { return Ok(None) };
        recipe.put_file(place, file.file(), metadata)
    }

    /// Writes the `size` bytes of `file` and its padding. Both a shorter and a longer file are refused.
    fn put_content(
        &mut self,
        path: &RelativePath,
        file: &mut impl Read,
        size: u64,
        task: &dyn Task,
    ) -> Result<(), Error> {
        let failed = Error::reading(path);
        let mut left = size;
        while left > 0 {
            let space = self.space()?;
            let wanted = usize::try_from(left).map_or(space.len(), |left| left.min(space.len()));
            let read = read_once(file, &mut space[..wanted]).map_err(&failed)?;
            if read == 0 {
                return Err(Error::FileChanged { path: path.clone() });
            }
            self.filled += read;
            left -= read as u64;
            task.advance(read as u64);
        }
        if read_once(file, &mut [0]).map_err(&failed)? > 0 {
            return Err(Error::FileChanged { path: path.clone() });
        }
        self.put(&[0; BLOCK][..padding(size)])
    }

    fn put(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        if let Some(recipe) = &mut self.recipe {
            recipe.put_bytes(bytes).map_err(writing_failed)?;
        }
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
        self.sink.write_all(&self.buffer[..self.filled]).map_err(writing_failed)?;
        self.filled = 0;
        Ok(())
    }

    /// Writes the two empty blocks at the end, and no more: Go does not round up.
    fn finish(mut self) -> Result<(), Error> {
        self.put(&[0; 2 * BLOCK])?;
        self.flush()
    }
}

fn writing_failed(source: io::Error) -> Error {
    Error::WriteLayer { source }
}
