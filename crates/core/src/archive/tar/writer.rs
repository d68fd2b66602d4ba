//! Writes a tar whose members are not files of a folder: an archive of blobs.

use std::io::{self, Write};

use super::header::{BLOCK, Header, padding};

/// A tar that is being written. Its members contain neither times nor owners, so equal members give equal bytes.
pub struct TarWriter<W> {
    sink: W,
    /// The number of bytes that the current member still needs.
    left: u64,
    padding: usize,
}

impl<W: Write> TarWriter<W> {
    /// Begins a tar in `sink`.
    pub fn new(sink: W) -> Self {
        Self { sink, left: 0, padding: 0 }
    }

    /// Adds the folder `name`, which has no slash at its end.
    pub fn folder(&mut self, name: &str) -> io::Result<()> {
        let header = Header { name, is_directory: true, mode: 0o755, size: 0, owner: 0 };
        self.sink.write_all(&header.to_bytes())
    }

    /// Begins the file `name`, whose `size` bytes must be written next.
    pub fn begin(&mut self, name: &str, size: u64) -> io::Result<()> {
        let header = Header { name, is_directory: false, mode: 0o644, size, owner: 0 };
        self.sink.write_all(&header.to_bytes())?;
        (self.left, self.padding) = (size, padding(size));
        Ok(())
    }

    /// Ends the file. Fails if fewer bytes were written than announced.
    pub fn end(&mut self) -> io::Result<()> {
        if self.left > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than its header says"));
        }
        self.sink.write_all(&[0; BLOCK][..self.padding])
    }

    /// Ends the tar, and returns its sink.
    pub fn finish(mut self) -> io::Result<W> {
        self.sink.write_all(&[0; 2 * BLOCK])?;
        self.sink.flush()?;
        Ok(self.sink)
    }
}

impl<W: Write> Write for TarWriter<W> {
    /// Writes content of the current file. Bytes beyond the announced size are not accepted.
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let written = self.sink.write(&buffer[..wanted])?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::archive::tar::listing::Listing;
    use crate::archive::unpack::LayerShape;
    use crate::relative_path::RelativePath;

    #[test]
    fn written_members_are_listed() {
        let mut tar = TarWriter::new(Vec::new());
        tar.folder("a").unwrap();
        tar.begin("a/b", 3).unwrap();
        tar.write_all(b"abc").unwrap();
        tar.end().unwrap();
        let bytes = tar.finish().unwrap();
        assert_eq!(bytes.len(), 5 * BLOCK);
        let shape = LayerShape { path: RelativePath::root(), base: RelativePath::root() };
        let mut listing = Listing::reading(&bytes[..], shape);
        assert_eq!(listing.next_member().unwrap().unwrap().path.as_str(), "a");
        assert_eq!(listing.next_member().unwrap().unwrap().path.as_str(), "a/b");
        let mut content = String::new();
        listing.read_to_string(&mut content).unwrap();
        assert_eq!(content, "abc");
        assert_eq!(listing.next_member().unwrap(), None);
    }

    #[test]
    fn a_file_has_exactly_the_size_in_its_header() {
        let mut tar = TarWriter::new(Vec::new());
        tar.begin("a", 3).unwrap();
        assert!(tar.write_all(b"abcd").is_err());
        tar.begin("a", 3).unwrap();
        tar.write_all(b"ab").unwrap();
        assert!(tar.end().is_err());
    }
}
