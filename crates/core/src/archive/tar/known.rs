//! Reads a tar of which everything except the contents of its files is known.

use std::io::{self, Read, Seek, SeekFrom};

use super::header::{BLOCK, Header, KITOPS_OWNER, padding};
use crate::relative_path::RelativePath;

/// A layer written by `kit` whose members the caller knows. Every byte around the contents is compared with its
/// expected value, so verifying the contents verifies the whole layer. Reading returns the content of the current
/// member.
pub struct KnownTar<R> {
    tar: R,
    position: u64,
    /// The number of bytes of the current content that have not been read.
    left: u64,
    padding: usize,
}

impl<R: Read + Seek> KnownTar<R> {
    /// Begins before the first member. `tar` must return an error when it is read past its end.
    pub fn new(tar: R) -> Self {
        Self { tar, position: 0, left: 0, padding: 0 }
    }

    /// Moves to the folder `path` and skips the rest of the current member. Fails if something else follows.
    pub fn next_folder(&mut self, path: &RelativePath, mode: u32) -> io::Result<()> {
        self.next(Header { name: path.as_str(), is_directory: true, mode, size: 0, owner: KITOPS_OWNER })
    }

    /// Moves to the file `path` and skips the rest of the current member. Fails if something else follows, or if its
    /// content does not begin at `offset`.
    pub fn next_file(&mut self, path: &RelativePath, mode: u32, size: u64, offset: u64) -> io::Result<()> {
        self.next(Header { name: path.as_str(), is_directory: false, mode, size, owner: KITOPS_OWNER })?;
        if self.position == offset { Ok(()) } else { Err(other()) }
    }

    /// Checks that only the end of a tar follows.
    pub fn finish(mut self) -> io::Result<()> {
        self.end_member()?;
        self.expect(&[0; 2 * BLOCK])?;
        if self.tar.read(&mut [0])? == 0 { Ok(()) } else { Err(other()) }
    }

    fn next(&mut self, header: Header) -> io::Result<()> {
        self.end_member()?;
        self.expect(&header.to_bytes())?;
        (self.left, self.padding) = (header.size, padding(header.size));
        Ok(())
    }

    fn end_member(&mut self) -> io::Result<()> {
        self.position = self.position.checked_add(self.left).ok_or_else(other)?;
        self.tar.seek(SeekFrom::Start(self.position))?;
        self.left = 0;
        self.expect(&[0; BLOCK][..self.padding])
    }

    fn expect(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut found = vec![0; bytes.len()];
        self.tar.read_exact(&mut found)?;
        self.position += bytes.len() as u64;
        if found == bytes { Ok(()) } else { Err(other()) }
    }
}

impl<R: Read> Read for KnownTar<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&mut self.tar).take(self.left).read(buffer)?;
        self.left -= read as u64;
        self.position += read as u64;
        Ok(read)
    }
}

/// Returns the bytes that precede the content of the file `path` in a layer written by `kit`.
pub fn file_header(path: &RelativePath, mode: u32, size: u64) -> Vec<u8> {
    Header { name: path.as_str(), is_directory: false, mode, size, owner: KITOPS_OWNER }.to_bytes()
}

fn other() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the layer does not match its table of contents")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        text.parse().unwrap()
    }

    fn tar() -> Vec<u8> {
        let header =
            |name, is_directory, size| Header { name, is_directory, mode: 0o755, size, owner: KITOPS_OWNER }.to_bytes();
        let files = [header("d", true, 0), header("d/a", false, 3), b"abc".to_vec(), vec![0; 509]];
        [files.concat(), header("d/b", false, 512), vec![7; 512], vec![0; 1024]].concat()
    }

    /// Returns the content of `d/a`, if all other bytes are as expected.
    fn follow(tar: &[u8]) -> io::Result<Vec<u8>> {
        let mut known = KnownTar::new(io::Cursor::new(tar));
        let mut content = Vec::new();
        known.next_folder(&path("d"), 0o755)?;
        known.next_file(&path("d/a"), 0o755, 3, 1024)?;
        known.read_to_end(&mut content)?;
        known.next_file(&path("d/b"), 0o755, 512, 2048)?;
        known.finish()?;
        Ok(content)
    }

    #[test]
    fn every_byte_outside_of_contents_is_compared() {
        let tar = tar();
        assert_eq!(follow(&tar).unwrap(), b"abc");
        for place in (0..tar.len()).filter(|place| !(1024..1027).contains(place) && !(2048..2560).contains(place)) {
            let mut damaged = tar.clone();
            damaged[place] ^= 1;
            assert!(follow(&damaged).is_err(), "byte {place}");
        }
    }

    #[test]
    fn a_truncated_or_longer_tar_is_refused() {
        let tar = tar();
        for length in (0..tar.len()).step_by(100) {
            assert!(follow(&tar[..length]).is_err(), "{length}");
        }
        assert!(follow(&[&tar[..], &[0]].concat()).is_err());
        for (mode, size, offset) in [(0o755, 3, 513), (0o755, 2, 512), (0o755, u64::MAX, 512), (0o700, 3, 512)] {
            let mut known = KnownTar::new(io::Cursor::new(&tar[512..]));
            assert!(known.next_file(&path("d/a"), mode, size, offset).is_err(), "{mode:o} {size} {offset}");
        }
    }
}
