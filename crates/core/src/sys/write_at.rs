//! Writing at an offset of a file that several threads share.

use std::fs::File;
use std::io;

/// Writes bytes at `offset`, independent of the position of the file, and returns how many were written.
#[cfg(unix)]
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, offset)
}

/// Also moves the position of the file.
#[cfg(windows)]
pub fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_where_they_belong() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(write_at(file.as_file(), b"de", 3).unwrap(), 2);
        assert_eq!(write_at(file.as_file(), b"abc", 0).unwrap(), 3);
        assert_eq!(fs_err::read(file.path()).unwrap(), b"abcde");
    }
}
