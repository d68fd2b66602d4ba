//! Reads a file where the table says that it is, and checks what comes.

use std::io::{self, Read, Seek, SeekFrom};

use super::entry::{Piece, PieceDigest};
use crate::digest::{Digest, VerifyingReader};

/// The content of a file of a layer. Any beginning of it may be read.
///
/// A file without pieces is small: all of it is fetched and checked before the first byte is given. Of others each piece is checked
/// before its last bytes are given.
pub struct VerifiedFile<'a, R> {
    place: Place<'a>,
    state: State<'a, R>,
}

/// What the table says of a file.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Where its content begins in the uncompressed layer.
    pub offset: u64,
    /// In bytes.
    pub size: u64,
    /// Of the content.
    pub digest: Digest,
    /// The content from front to back, if it is not small.
    pub pieces: &'a [Piece],
}

enum State<'a, R> {
    Unread(&'a mut R),
    Whole(io::Cursor<Vec<u8>>),
    InPieces(VerifiedPieces<'a, &'a mut R>),
}

/// A piece that is not what the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{size} bytes at byte {offset} of the layer are not those that its table of contents tells of")]
pub struct Altered {
    offset: u64,
    size: u64,
}

impl<'a, R: Read + Seek> VerifiedFile<'a, R> {
    /// Reads nothing yet.
    pub fn new(layer: &'a mut R, place: Place<'a>) -> Self {
        Self { place, state: State::Unread(layer) }
    }

    fn begin(&mut self) -> io::Result<()> {
        // After a failure there is nothing to read.
        let state = std::mem::replace(&mut self.state, State::Whole(io::Cursor::default()));
        let State::Unread(layer) = state else { return Ok(()) };
        let Place { offset, size, digest, pieces } = self.place;
        layer.seek(SeekFrom::Start(offset))?;
        self.state = if pieces.is_empty() {
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
            State::InPieces(pieces) => pieces.read(buffer),
        }
    }
}

/// Some neighbouring pieces of a file. Each is checked before its last bytes are given, and nothing is given behind the last one.
pub struct VerifiedPieces<'a, R> {
    content: R,
    /// Where in the layer the first of `pieces` begins.
    offset: u64,
    /// The piece that is read, and those behind it.
    pieces: &'a [Piece],
    /// How much of the first one is read.
    read: u64,
    hasher: Box<blake3::Hasher>,
}

impl<'a, R: Read> VerifiedPieces<'a, R> {
    /// `content` begins with the first piece, which is at `offset` in the layer.
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
        // An empty tensor is a piece, too.
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
        VerifiedFile::new(&mut layer, Place { offset: 6, size, digest, pieces: &pieces }).read_to_end(&mut read)?;
        Ok(read)
    }

    #[test]
    fn what_is_as_the_table_says_is_given() {
        for size in [0, 1, 70_000, 3_000_000] {
            let content: Vec<u8> = (0..size).map(|number: u32| (number / 9).to_le_bytes()[0]).collect();
            assert!(check(&content, |_| {}).unwrap() == content, "{size}");
        }
    }

    #[test]
    fn what_is_not_as_the_table_says_is_refused() {
        for size in [1, 70_000, 3_000_000] {
            let content = vec![7; size];
            assert!(check(&content, |layer| layer[6 + size - 1] ^= 1).is_err(), "{size}");
        }
        assert!(check(&[7; 100], |layer| layer.rotate_left(50)).is_err());
    }
}
