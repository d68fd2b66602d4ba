//! Reading content here and there, in ranges, without what lies between.

use std::io::{self, Read, Seek, SeekFrom};

use super::content::Content;

/// How much is asked for where nothing was read before: a header of a tar and the beginning of a file.
const FIRST_BYTES: u64 = 16 * 1024;
/// How much is asked for at most, after much was read in a row.
const MOST_BYTES: u64 = 1024 * 1024;

/// Content with a position. Each range is asked for when a byte of it is wanted, and is held until the next one.
///
/// Whoever reads on is given ranges that double, so that no more than twice of what is wanted is fetched, and a range for
/// every small file is not needed. What comes is not verified.
pub struct RangedReader<'a> {
    content: &'a dyn Content,
    size: u64,
    position: u64,
    /// The bytes that were fetched last.
    window: Vec<u8>,
    /// Where these stand.
    window_start: u64,
    /// How many were asked for.
    step: u64,
}

impl<'a> RangedReader<'a> {
    /// Begins in front of `content`, which is `size` bytes long.
    pub fn new(content: &'a dyn Content, size: u64) -> Self {
        Self { content, size, position: 0, window: Vec::new(), window_start: 0, step: FIRST_BYTES }
    }

    /// What of the window lies ahead.
    fn ahead(&self) -> &[u8] {
        let passed = self.position.checked_sub(self.window_start).and_then(|passed| usize::try_from(passed).ok());
        passed.and_then(|passed| self.window.get(passed..)).unwrap_or_default()
    }

    fn fetch(&mut self) -> io::Result<()> {
        let window_end = self.window_start + self.window.len() as u64;
        let goes_on = !self.window.is_empty() && (window_end..window_end + self.step).contains(&self.position);
        self.step = if goes_on { (2 * self.step).min(MOST_BYTES) } else { FIRST_BYTES };
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
    /// Refuses to leave the content, which a position behind its end would do without a word.
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

    /// Content that remembers what it was asked for.
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
    fn reading_on_doubles_the_range_and_jumping_begins_anew() {
        let content = Watched::new(100 * STEP);
        let mut reader = RangedReader::new(&content, 100 * STEP);
        let mut read = vec![0; usize::try_from(2 * STEP).unwrap()];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(read, content.bytes[..read.len()]);
        // Within the window, then a little behind it, then far away, then at the end.
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
