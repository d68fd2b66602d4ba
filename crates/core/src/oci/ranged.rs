//! Random access to content by ranges, without reading the bytes between them.

use std::io::{self, Read, Seek, SeekFrom};

use super::content::Content;

/// The size of the first range at a new position: a tar header and the beginning of a file.
const FIRST_BYTES: u64 = 16 * 1024;
/// The maximum size of a range in sequential reading.
const MOST_BYTES: u64 = 1024 * 1024;

/// Content with a read position. A range is fetched when one of its bytes is needed, and kept until the next one is
/// fetched.
///
/// In sequential reading each range is twice as large as the one before, so that at most twice the needed bytes are
/// fetched, and small files do not need a request each. The bytes are not verified.
pub struct RangedReader<'a> {
    content: &'a dyn Content,
    size: u64,
    position: u64,
    /// The bytes that were fetched last.
    window: Vec<u8>,
    /// The offset of these bytes in the content.
    window_start: u64,
    /// The number of bytes that were requested.
    step: u64,
}

impl<'a> RangedReader<'a> {
    /// Starts at the beginning of `content`, which has `size` bytes.
    pub fn new(content: &'a dyn Content, size: u64) -> Self {
        Self { content, size, position: 0, window: Vec::new(), window_start: 0, step: FIRST_BYTES }
    }

    /// The unread rest of the window.
    fn ahead(&self) -> &[u8] {
        let passed = self.position.checked_sub(self.window_start).and_then(|passed| usize::try_from(passed).ok());
        passed.and_then(|passed| self.window.get(passed..)).unwrap_or_default()
    }

    fn fetch(&mut self) -> io::Result<()> {
        let window_end = self.window_start + self.window.len() as u64;
        let is_sequential = !self.window.is_empty() && (window_end..window_end + self.step).contains(&self.position);
        self.step = if is_sequential { (2 * self.step).min(MOST_BYTES) } else { FIRST_BYTES };
        let length = self.step.min(self.size.saturating_sub(self.position));
        self.window.clear();
        self.window_start = self.position;
        if length > 0 {
            self.content.open_range(self.position, length)?.read_to_end(&mut self.window)?;
        }
        Ok(())
    }
}

impl Read for RangedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ahead().is_empty() {
            self.fetch()?;
        }
        let count = self.ahead().read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for RangedReader<'_> {
    /// Refuses positions after the end of the content, which would otherwise be accepted silently.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
            SeekFrom::End(distance) => self.size.checked_add_signed(distance),
        };
        let position = position.filter(|position| *position <= self.size);
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::oci::content::ContentError;

    /// Content that records the requested ranges.
    struct Watched {
        bytes: Vec<u8>,
        asked: Mutex<Vec<(u64, u64)>>,
    }

    impl Watched {
        fn new(size: u64) -> Self {
            Self { bytes: (0..size).map(|place| (place % 251) as u8).collect(), asked: Mutex::default() }
        }
    }

    impl Content for Watched {
        fn open_at(&self, _offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
            unreachable!("everything is asked for in ranges")
        }

        fn open_range(&self, offset: u64, length: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
            self.asked.lock().unwrap().push((offset, length));
            let (start, end) = (usize::try_from(offset).unwrap(), usize::try_from(offset + length).unwrap());
            Ok(Box::new(&self.bytes[start..end]))
        }
    }

    const STEP: u64 = FIRST_BYTES;

    #[test]
    fn sequential_reading_doubles_the_range_and_jumping_starts_again() {
        let content = Watched::new(100 * STEP);
        let mut reader = RangedReader::new(&content, 100 * STEP);
        let mut read = vec![0; usize::try_from(2 * STEP).unwrap()];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(read, content.bytes[..read.len()]);
        // Within the window, then a little after it, then far away, then at the end.
        reader.seek_relative(10).unwrap();
        reader.read_exact(&mut read[..1]).unwrap();
        reader.seek(SeekFrom::Start(4 * STEP)).unwrap();
        reader.read_exact(&mut read[..1]).unwrap();
        reader.seek(SeekFrom::Start(50 * STEP)).unwrap();
        reader.read_exact(&mut read[..1]).unwrap();
        reader.seek(SeekFrom::End(-1)).unwrap();
        assert_eq!(reader.read(&mut read).unwrap(), 1);
        assert_eq!(reader.read(&mut read).unwrap(), 0);
        let expected = [(0, STEP), (STEP, 2 * STEP), (4 * STEP, 4 * STEP), (50 * STEP, STEP), (100 * STEP - 1, 1)];
        assert_eq!(*content.asked.lock().unwrap(), expected);
        assert!(reader.seek(SeekFrom::Start(100 * STEP + 1)).is_err());
    }

    #[test]
    fn ranges_do_not_grow_without_end() {
        let content = Watched::new(8 * MOST_BYTES);
        io::copy(&mut RangedReader::new(&content, 8 * MOST_BYTES), &mut io::sink()).unwrap();
        assert_eq!(content.asked.lock().unwrap().iter().map(|(_, length)| *length).max(), Some(MOST_BYTES));
    }
}
