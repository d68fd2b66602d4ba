//! Archives that another program compressed. `kit save` writes plain archives, because layers are compressed themselves
//! or do not shrink.

use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use fs_err as fs;

use super::error::BundleError;
use crate::compression::Compression;

/// The number of bytes that identify a compression.
const MAGIC_BYTES: u64 = 6;

/// Returns true if the file at `path` is compressed. Such an archive cannot be read in place.
pub fn is_compressed(path: &Path) -> Result<bool, BundleError> {
    if !fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut beginning = Vec::new();
    fs::File::open(path)?.take(MAGIC_BYTES).read_to_end(&mut beginning)?;
    Ok(!matches!(compression_of(&beginning), Ok(Compression::None)))
}

/// Returns the archive in `stream` without its compression.
pub(super) fn decompressed<'a>(mut stream: impl Read + Send + 'a) -> Result<Box<dyn Read + Send + 'a>, BundleError> {
    let mut beginning = Vec::new();
    stream.by_ref().take(MAGIC_BYTES).read_to_end(&mut beginning)?;
    let compression = compression_of(&beginning)?;
    Ok(compression.decoder(BufReader::new(Cursor::new(beginning).chain(stream)))?)
}

/// Returns the compression of an archive by its first bytes.
fn compression_of(beginning: &[u8]) -> Result<Compression, BundleError> {
    match beginning {
        // RFC 1952, 2.3.1
        [0x1f, 0x8b, ..] => Ok(Compression::Gzip),
        // RFC 8878, 3.1.1
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Compression::Zstd),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Err(BundleError::Compressed("xz")),
        [b'B', b'Z', b'h', ..] => Err(BundleError::Compressed("bzip2")),
        _ => Ok(Compression::None),
    }
}
