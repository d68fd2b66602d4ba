//! Reading a file at its place in a layer and verifying it by the table of contents.

use std::io::{self, Read, Seek, SeekFrom};

use super::entry::{Piece, PieceDigest};
use crate::digest::{Digest, VerifyingReader};
use crate::limits;

/// The content of a file in a layer, which may be read up to any point.
///
/// A file without chunks is small: it is fetched and verified as a whole before its first byte is returned. In other
/// files each chunk is verified before its last bytes are returned. Only tables that `kit` did not write contain large
/// files without chunks; these are verified when their last bytes are returned.
pub struct VerifiedFile<'a, R> {
    place: Place<'a>,
    state: State<'a, R>,
}

/// The place and the digests of a file by the table of contents.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The offset of its content in the uncompressed layer.
    pub offset: u64,
    /// The size in bytes.
    pub size: u64,
    /// The digest of the content.
    pub digest: Digest,
    /// The chunks of the content in order, if it is not small.
    pub pieces: &'a [Piece],
    /// The bytes that must precede the content in the layer; empty if these are not compared.
    pub header: &'a [u8],
}

impl Place<'_> {
    /// Reads and compares the header, so that `layer` is at the beginning of the content.
    fn read_header(&self, layer: &mut (impl Read + Seek)) -> io::Result<()> {
        let size = self.header.len() as u64;
        let altered = || io::Error::new(io::ErrorKind::InvalidData, Altered { offset: self.offset, size });
        layer.seek(SeekFrom::Start(self.offset.checked_sub(size).ok_or_else(altered)?))?;
        let mut found = vec![0; self.header.len()];
        layer.read_exact(&mut found)?;
        if found == self.header { Ok(()) } else { Err(altered()) }
    }
}

enum State<'a, R> {
    Unread(&'a mut R),
    Whole(io::Cursor<Vec<u8>>),
    Large(Box<VerifyingReader<io::Take<&'a mut R>>>),
    InPieces(VerifiedPieces<'a, &'a mut R>),
}

/// Bytes that do not match the table of contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{size} bytes at byte {offset} of the layer do not match its table of contents")]
pub struct Altered {
    offset: u64,
    size: u64,
}

impl<'a, R: Read + Seek> VerifiedFile<'a, R> {
    /// Creates the reader without reading any bytes.
    pub fn new(layer: &'a mut R, place: Place<'a>) -> Self {
        Self { place, state: State::Unread(layer) }
    }

    fn begin(&mut self) -> io::Result<()> {
        // After an error there is nothing more to read.
        let state = std::mem::replace(&mut self.state, State::Whole(io::Cursor::default()));
        let State::Unread(layer) = state else { return Ok(()) };
        let Place { offset, size, digest, pieces, .. } = self.place;
        self.place.read_header(layer)?;
        self.state = if pieces.is_empty() && size > limits::WHOLE_FILE_BYTES {
            State::Large(Box::new(VerifyingReader::new(layer.take(size), digest, size)))
        } else if pieces.is_empty() {
            let mut content = Vec::new();
            VerifyingReader::new(layer.take(size), digest, size).read_to_end(&mut content)?;
            State::Whole(io::Cursor::new(content))
        } else {
            State::InPieces(VerifiedPieces::new(layer, offset, pieces))
        };
        Ok(())
    }
}

impl<R: Read + Seek> Read for VerifiedFile<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let State::Unread(_) = &self.state {
            self.begin()?;
        }
        match &mut self.state {
            State::Unread(_) => Ok(0),
            State::Whole(content) => content.read(buffer),
            State::Large(content) => content.read(buffer),
            State::InPieces(pieces) => pieces.read(buffer),
        }
    }
}

/// Consecutive chunks of a file. Each is verified before its last bytes are returned, and reading ends after the last
/// chunk.
pub struct VerifiedPieces<'a, R> {
    content: R,
    /// The offset of the first of `pieces` in the layer.
    offset: u64,
    /// The current chunk and the ones after it.
    pieces: &'a [Piece],
    /// The number of bytes read of the current chunk.
    read: u64,
    hasher: Box<blake3::Hasher>,
}

impl<'a, R: Read> VerifiedPieces<'a, R> {
    /// Reads `content`, which begins with the first chunk, at `offset` in the layer.
    pub fn new(content: R, offset: u64, pieces: &'a [Piece]) -> Self {
        Self { content, offset, pieces, read: 0, hasher: Box::default() }
    }

    fn end_piece(&mut self, piece: &Piece) -> io::Result<()> {
        if PieceDigest::of_hash(&self.hasher.finalize()) != piece.digest {
            let altered = Altered { offset: self.offset, size: piece.size };
            return Err(io::Error::new(io::ErrorKind::InvalidData, altered));
        }
        self.offset += piece.size;
        (self.pieces, self.read) = (&self.pieces[1..], 0);
        self.hasher.reset();
        Ok(())
    }
}

impl<R: Read> Read for VerifiedPieces<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // An empty tensor is a chunk as well.
        while let [piece, ..] = self.pieces
            && piece.size == 0
        {
            self.end_piece(piece)?;
        }
        let [piece, ..] = self.pieces else { return Ok(0) };
        let count = (&mut self.content).take(piece.size - self.read).read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.hasher.update(&buffer[..count]);
        self.read += count as u64;
        if self.read == piece.size {
            self.end_piece(piece)?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contents::cutter::Cutter;

    fn check(content: &[u8], altered: impl FnOnce(&mut [u8])) -> io::Result<Vec<u8>> {
        let mut cutter = Cutter::new("f", content.len() as u64);
        cutter.take(content);
        let pieces = if content.len() < 1 << 20 { Vec::new() } else { cutter.finish() };
        let mut layer = [b"before", content, b"behind"].concat();
        altered(&mut layer);
        let (size, digest) = (content.len() as u64, Digest::of(content));
        let mut layer = io::Cursor::new(layer);
        let mut read = Vec::new();
        VerifiedFile::new(&mut layer, Place { offset: 6, size, digest, pieces: &pieces, header: b"before" })
            .read_to_end(&mut read)?;
        Ok(read)
    }

    #[test]
    fn content_that_matches_the_table_is_returned() {
        for size in [0, 1, 70_000, 3_000_000] {
            let content: Vec<u8> = (0..size).map(|number: u32| (number / 9).to_le_bytes()[0]).collect();
            assert!(check(&content, |_| {}).unwrap() == content, "{size}");
        }
    }

    #[test]
    fn content_that_differs_from_the_table_is_refused() {
        for size in [1, 70_000, 3_000_000] {
            let content = vec![7; size];
            assert!(check(&content, |layer| layer[6 + size - 1] ^= 1).is_err(), "{size}");
        }
        assert!(check(&[7; 100], |layer| layer.rotate_left(50)).is_err());
        assert!(check(&[7; 100], |layer| layer[0] ^= 1).is_err());
    }
}
