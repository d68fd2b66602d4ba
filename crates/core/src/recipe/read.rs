//! Reads a layer by its recipe.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err as fs;

use super::changed::Changed;
use super::segment::{FileState, MAGIC, Segment, clone_path, damaged};
use crate::sys;

/// A layer that is assembled when it is read.
#[derive(Debug)]
pub struct Recipe {
    script: Script,
    size: u64,
}

/// The location of the encoded segments.
#[derive(Debug)]
enum Script {
    Held(Arc<[u8]>),
    /// A file in this folder, with the clones.
    Saved(PathBuf),
}

const FILE_NAME: &str = "recipe";

impl Recipe {
    pub(super) fn held(bytes: Vec<u8>, size: u64) -> Self {
        Self { script: Script::Held(bytes.into()), size }
    }

    /// Opens the recipe that was saved in `folder`. Its segments are not read yet.
    pub fn saved_in(folder: &Path) -> io::Result<Self> {
        let size = read_head(&mut sys::open_regular(&folder.join(FILE_NAME))?)?;
        Ok(Self { script: Script::Saved(folder.to_owned()), size })
    }

    /// Saves the recipe in `folder`, where its clones must be. Does not sync.
    pub fn save(&self, folder: &Path) -> io::Result<()> {
        match &self.script {
            Script::Held(bytes) => fs::write(folder.join(FILE_NAME), bytes),
            Script::Saved(from) => fs::copy(from.join(FILE_NAME), folder.join(FILE_NAME)).map(drop),
        }
    }

    /// The size of the layer in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns true if all files are at their paths and, by their metadata, unchanged. No file is opened.
    pub fn is_current(&self) -> io::Result<bool> {
        match self.open_at(0)?.check_all() {
            Ok(()) => Ok(true),
            Err(error) if Changed::in_io(&error).is_some() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns a finder of the clones that the layer is made of.
    pub fn clones(&self) -> io::Result<CloneFinder> {
        Ok(CloneFinder { layer: self.open_at(0)?, reached: 0 })
    }

    /// Opens the layer at `offset`. Files before it are not checked.
    pub fn open_at(&self, offset: u64) -> io::Result<RecipeReader> {
        let (mut script, folder): (Box<dyn Read + Send>, _) = match &self.script {
            Script::Held(bytes) => (Box::new(Cursor::new(Arc::clone(bytes))), None),
            Script::Saved(folder) => (Box::new(sys::open_regular(&folder.join(FILE_NAME))?), Some(folder.clone())),
        };
        read_head(&mut script)?;
        let segments = BufReader::new(zstd::Decoder::new(script)?);
        Ok(RecipeReader { segments, folder, left_to_skip: offset, piece: Piece::None })
    }
}

/// Reads the format and returns the size of the layer.
fn read_head(script: &mut impl Read) -> io::Result<u64> {
    let (mut magic, mut size) = ([0; MAGIC.len()], [0; 8]);
    script.read_exact(&mut magic)?;
    script.read_exact(&mut size)?;
    if magic == MAGIC { Ok(u64::from_le_bytes(size)) } else { Err(damaged()) }
}

/// The bytes of a layer, assembled as they are read.
pub struct RecipeReader {
    segments: BufReader<zstd::Decoder<'static, BufReader<Box<dyn Read + Send>>>>,
    folder: Option<PathBuf>,
    left_to_skip: u64,
    piece: Piece,
}

/// Finds clones by their position in the layer.
pub struct CloneFinder {
    layer: RecipeReader,
    reached: u64,
}

impl CloneFinder {
    /// Returns the clone that contains exactly the `size` bytes at `offset`, if there is one. Clones are never written
    /// to. Offsets must not decrease from call to call.
    pub fn find(&mut self, offset: u64, size: u64) -> io::Result<Option<File>> {
        while self.reached <= offset {
            let Some(segment) = Segment::read(&mut self.layer.segments)? else { break };
            let (start, length) = (self.reached, segment.size());
            self.reached = start.saturating_add(length);
            match self.layer.origin(segment)? {
                None => skip(&mut self.layer.segments, length)?,
                Some(Origin::Clone(path)) if (start, length) == (offset, size) => {
                    return Ok(Some(sys::open_regular(&path)?.into_parts().0));
                }
                Some(_) => {}
            }
        }
        Ok(None)
    }
}

/// The segment that is being read.
enum Piece {
    None,
    /// Bytes in the script, with the number of those left.
    Bytes(u64),
    /// Bytes of a file, with the number of those left.
    File {
        file: fs::File,
        left: u64,
        origin: Origin,
    },
}

/// The source of the content of a file.
enum Origin {
    User(PathBuf, FileState),
    Clone(PathBuf),
}

impl RecipeReader {
    /// Opens the next segment that has bytes after those to skip, and returns false if there is none.
    fn next_piece(&mut self) -> io::Result<bool> {
        while let Some(segment) = Segment::read(&mut self.segments)? {
            let (size, skipped) = (segment.size(), self.left_to_skip);
            self.left_to_skip = skipped.saturating_sub(size);
            if skipped < size {
                self.piece = self.open(segment, skipped)?;
                return Ok(true);
            }
            if let Segment::Bytes(count) = segment {
                skip(&mut self.segments, count)?;
            }
        }
        Ok(false)
    }

    fn open(&mut self, segment: Segment, offset: u64) -> io::Result<Piece> {
        let left = segment.size() - offset;
        let Some(origin) = self.origin(segment)? else {
            skip(&mut self.segments, offset)?;
            return Ok(Piece::Bytes(left));
        };
        origin.check_path()?;
        let mut file = sys::open_regular(origin.path())?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Piece::File { file, left, origin })
    }

    /// Returns the file of a segment that has one.
    fn origin(&self, segment: Segment) -> io::Result<Option<Origin>> {
        Ok(match segment {
            Segment::Bytes(_) => None,
            Segment::File(path, state) => Some(Origin::User(path, state)),
            Segment::Clone(number, _) => {
                Some(Origin::Clone(clone_path(self.folder.as_deref().ok_or_else(damaged)?, number)))
            }
        })
    }

    /// Checks all remaining files.
    fn check_all(&mut self) -> io::Result<()> {
        while let Some(segment) = Segment::read(&mut self.segments)? {
            let size = segment.size();
            match self.origin(segment)? {
                Some(origin) => origin.check_path()?,
                None => skip(&mut self.segments, size)?,
            }
        }
        Ok(())
    }
}

impl Read for RecipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            match &mut self.piece {
                Piece::Bytes(left @ 1..) => return read_some(&mut self.segments, buffer, left, damaged),
                Piece::File { file, left: left @ 1.., origin } => {
                    let read = read_some(file, buffer, left, || origin.changed())?;
                    // After each read, because the reader of a part of the file never gets to its end.
                    origin.check(file)?;
                    return Ok(read);
                }
                _ => {}
            }
            if !self.next_piece()? {
                break;
            }
        }
        Ok(0)
    }
}

impl Origin {
    /// Checks that the file at the path is unchanged. Must be called before it is opened: opening a FIFO would block.
    fn check_path(&self) -> io::Result<()> {
        let path = self.path();
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() && self.fits(&metadata) => Ok(()),
            Ok(_) => Err(self.changed()),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(Changed::Gone(path.to_owned()).into())
            }
            Err(error) => Err(error),
        }
    }

    /// Checks that the open file was not changed while it was read.
    fn check(&self, file: &fs::File) -> io::Result<()> {
        if self.fits(&file.metadata()?) { Ok(()) } else { Err(self.changed()) }
    }

    /// Clones always match: they are never written to, and if the store was moved their metadata differs. Their content
    /// is verified by its digest.
    fn fits(&self, metadata: &Metadata) -> bool {
        match self {
            Self::User(_, state) => FileState::of(metadata) == *state,
            Self::Clone(_) => true,
        }
    }

    fn changed(&self) -> io::Error {
        Changed::Content(self.path().to_owned()).into()
    }

    fn path(&self) -> &Path {
        let (Self::User(path, _) | Self::Clone(path)) = self;
        path
    }
}

/// Reads some of the `left` bytes, all of which must exist.
fn read_some(
    source: &mut impl Read,
    buffer: &mut [u8],
    left: &mut u64,
    too_short: impl Fn() -> io::Error,
) -> io::Result<usize> {
    let wanted = usize::try_from(*left).map_or(buffer.len(), |left| left.min(buffer.len()));
    let read = source.read(&mut buffer[..wanted])?;
    if read == 0 && wanted > 0 {
        return Err(too_short());
    }
    *left -= read as u64;
    Ok(read)
}

fn skip(source: &mut impl Read, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut source.take(count), &mut io::sink())?;
    if skipped == count { Ok(()) } else { Err(damaged()) }
}
