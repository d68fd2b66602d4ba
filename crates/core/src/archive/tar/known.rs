//! Following a tar of which everything is known but the contents of its files.

use std::io::{self, Read, Seek, SeekFrom};

use super::header::{BLOCK, Header, KITOPS_OWNER, padding};
use crate::relative_path::RelativePath;

/// A layer that `kit` wrote, and whose members somebody knows. Every byte around the contents is compared with the one that must be there, so
/// that who verifies the contents has verified the layer. Reading from it gives the content of the present member.
pub struct KnownTar<R> {
    tar: R,
    position: u64,
    /// Bytes of the present content that have not been read.
    left: u64,
    padding: usize,
}

impl<R: Read + Seek> KnownTar<R> {
    /// Begins in front of the first member. `tar` must refuse to go behind its end.
    pub fn new(tar: R) -> Self {
        Self { tar, position: 0, left: 0, padding: 0 }
    }

    /// Goes to the folder `path`, over what is left of the present member. An error if something else is there.
    pub fn next_folder(&mut self, path: &RelativePath, mode: u32) -> io::Result<()> {
        self.next(Header { name: path.as_str(), is_directory: true, mode, size: 0, owner: KITOPS_OWNER })
    }

    /// Goes to the file `path`, over what is left of the present member. An error if something else is there, or if its content does not begin
    /// at `offset`.
    pub fn next_file(&mut self, path: &RelativePath, mode: u32, size: u64, offset: u64) -> io::Result<()> {
        self.next(Header { name: path.as_str(), is_directory: false, mode, size, owner: KITOPS_OWNER })?;
        if self.position == offset { Ok(()) } else { Err(other()) }
    }

    /// Makes sure that nothing follows but what ends a tar.
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

fn other() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the layer is not what its table of contents tells")
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

    /// What is read of `d/a`, if the rest is as it must be.
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
    fn every_byte_that_is_no_content_is_compared() {
        let tar = tar();
        assert_eq!(follow(&tar).unwrap(), b"abc");
        for place in (0..tar.len()).filter(|place| !(1024..1027).contains(place) && !(2048..2560).contains(place)) {
            let mut damaged = tar.clone();
            damaged[place] ^= 1;
            assert!(follow(&damaged).is_err(), "byte {place}");
        }
    }

    #[test]
    fn what_is_cut_or_goes_on_is_not_the_tar() {
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
