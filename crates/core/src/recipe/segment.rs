//! The segments of a recipe, and their encoding.
//!
//! A recipe is encoded as eight bytes that identify the format, the size of the layer in eight bytes, and the segments,
//! compressed with Zstandard: tar headers are mostly zeros, and paths resemble each other. Numbers are little-endian.

use std::fs::Metadata;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::limits;
use crate::sys::{self, Timestamp};

/// The first bytes of a recipe. Must be changed when the encoding changes.
pub(super) const MAGIC: [u8; 8] = *b"kitrcp1\n";

const BYTES: u8 = 0;
const FILE: u8 = 1;
const CLONE: u8 = 2;

/// One segment of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// The number of literal bytes, which follow.
    Bytes(u64),
    /// The whole content of a file of the user.
    File(PathBuf, FileState),
    /// The whole content of a clone: its number among the clones, and its size in bytes.
    Clone(u64, u64),
}

/// The metadata by which a changed file is recognized. The device is not included: its number may differ after a
/// reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileState {
    /// The size in bytes.
    pub(super) size: u64,
    inode: u64,
    /// The time of the last change of the content.
    modified: Timestamp,
    /// The time of any last change.
    changed: Timestamp,
}

impl FileState {
    pub(super) fn of(metadata: &Metadata) -> Self {
        let sys::Metadata { size, identity, modified, changed, .. } = metadata.into();
        Self { size, inode: identity.map_or(0, |identity| identity.inode), modified, changed }
    }
}

impl Segment {
    pub(super) fn write(&self, sink: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Bytes(count) => write_numbers(sink, BYTES, &[*count]),
            Self::Clone(number, size) => write_numbers(sink, CLONE, &[*number, *size]),
            Self::File(path, state) => {
                let FileState { size, inode, modified, changed } = *state;
                let times = [modified.seconds, modified.nanoseconds, changed.seconds, changed.nanoseconds];
                let times = times.map(i64::cast_unsigned);
                let path = sys::bytes_of_path(path)?;
                let [seconds, nanoseconds, changed_seconds, changed_nanoseconds] = times;
                let length = path.len() as u64;
                let numbers = [size, inode, seconds, nanoseconds, changed_seconds, changed_nanoseconds, length];
                write_numbers(sink, FILE, &numbers)?;
                sink.write_all(path)
            }
        }
    }

    /// Reads the next segment. Returns none at the end.
    pub(super) fn read(source: &mut impl Read) -> io::Result<Option<Self>> {
        let mut kind = [0];
        if source.read(&mut kind)? == 0 {
            return Ok(None);
        }
        Ok(Some(match kind[0] {
            BYTES => Self::Bytes(read_number(source)?),
            CLONE => Self::Clone(read_number(source)?, read_number(source)?),
            FILE => {
                let (size, inode) = (read_number(source)?, read_number(source)?);
                let (modified, changed) = (read_time(source)?, read_time(source)?);
                Self::File(read_path(source)?, FileState { size, inode, modified, changed })
            }
            _ => return Err(damaged()),
        }))
    }

    /// The number of bytes of the layer that the segment produces.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Bytes(size) | Self::Clone(_, size) => *size,
            Self::File(_, state) => state.size,
        }
    }
}

/// The error for a recipe that this program did not write in this form.
pub(super) fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the recipe of the layer is damaged")
}

/// The path of a clone in the folder of its recipe.
pub(super) fn clone_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(number.to_string())
}

fn write_numbers(sink: &mut impl Write, kind: u8, numbers: &[u64]) -> io::Result<()> {
    sink.write_all(&[kind])?;
    numbers.iter().try_for_each(|number| sink.write_all(&number.to_le_bytes()))
}

fn read_number(source: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    source.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn read_time(source: &mut impl Read) -> io::Result<Timestamp> {
    let (seconds, nanoseconds) = (read_number(source)?.cast_signed(), read_number(source)?.cast_signed());
    Ok(Timestamp { seconds, nanoseconds })
}

fn read_path(source: &mut impl Read) -> io::Result<PathBuf> {
    let length = read_number(source)?;
    if length > limits::RECIPE_PATH_BYTES {
        return Err(damaged());
    }
    let mut path = Vec::new();
    source.take(length).read_to_end(&mut path)?;
    if path.len() as u64 != length {
        return Err(damaged());
    }
    sys::path_of_bytes(path)
}
