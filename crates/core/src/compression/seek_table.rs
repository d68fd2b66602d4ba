//! Reads the seek table at the end of Zstandard streams in independent frames, as written by
//! [`seekable`](super::seekable) and by other programs.

use std::io::{self, Read, Seek, SeekFrom};

use super::seekable::{FOOTER_BYTES, SEEKABLE_MAGIC, SKIPPABLE_MAGIC};
use crate::limits;

/// The positions at which the frames of a stream begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeekTable {
    frames: Vec<Frame>,
}

/// The beginning of a frame, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Frame {
    /// The offset in the compressed stream.
    pub compressed: u64,
    /// The offset in its content.
    pub content: u64,
}

/// The flag in the descriptor for entries that have a checksum, too.
const CHECKSUMS: u8 = 0x80;
/// Magic number and size of the skippable frame that contains the table.
const HEADER_BYTES: u64 = 8;

impl SeekTable {
    /// Reads the table of a stream of `size` bytes. Returns none if it has no table, or a table that does not describe
    /// it.
    pub fn read(stream: &mut (impl Read + Seek), size: u64) -> io::Result<Option<Self>> {
        let Some(footer_start) = size.checked_sub(FOOTER_BYTES as u64) else { return Ok(None) };
        let mut footer = [0; FOOTER_BYTES];
        stream.seek(SeekFrom::Start(footer_start))?;
        stream.read_exact(&mut footer)?;
        let [a, b, c, d, descriptor, magic @ ..] = footer;
        let count = u64::from(u32::from_le_bytes([a, b, c, d]));
        let entry_bytes = if descriptor & CHECKSUMS == 0 { 8 } else { 12 };
        let table_start = footer_start.checked_sub(count * entry_bytes + HEADER_BYTES);
        let Some(table_start) =
            table_start.filter(|_| magic == SEEKABLE_MAGIC.to_le_bytes() && count <= limits::SEEK_TABLE_FRAMES as u64)
        else {
            return Ok(None);
        };
        stream.seek(SeekFrom::Start(table_start))?;
        let mut table = Vec::new();
        stream.take(footer_start - table_start).read_to_end(&mut table)?;
        Ok(Self::parse(&table, usize::try_from(entry_bytes).map_err(io::Error::other)?, table_start))
    }

    fn parse(table: &[u8], entry_bytes: usize, table_start: u64) -> Option<Self> {
        let (magic, entries) = table.split_at_checked(4)?;
        let (_, entries) = entries.split_at_checked(4)?;
        let (mut frames, mut next) = (Vec::new(), Frame::default());
        for entry in entries.chunks_exact(entry_bytes) {
            let (fields, _) = entry.as_chunks();
            frames.push(next);
            next.compressed += u64::from(u32::from_le_bytes(*fields.first()?));
            next.content += u64::from(u32::from_le_bytes(*fields.get(1)?));
        }
        let fits = magic == SKIPPABLE_MAGIC.to_le_bytes() && next.compressed == table_start;
        fits.then_some(Self { frames })
    }

    /// Returns the last frame that begins at or before `position` of the content.
    pub fn frame_before(&self, position: u64) -> Frame {
        let behind = self.frames.partition_point(|frame| frame.content <= position);
        behind.checked_sub(1).and_then(|at| self.frames.get(at)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::compression::choice::Compression;

    fn compress(content: &[u8], compression: Compression) -> Vec<u8> {
        let mut encoder = compression.encoder(Vec::new(), || ()).unwrap();
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn table(stream: &[u8]) -> Option<SeekTable> {
        SeekTable::read(&mut io::Cursor::new(stream), stream.len() as u64).unwrap()
    }

    #[test]
    fn decoding_can_begin_at_any_frame() {
        let content: Vec<u8> = (0..5_000_000_u32).map(|number| (number / 5).to_le_bytes()[0]).collect();
        let stream = compress(&content, Compression::Zstd);
        let table = table(&stream).unwrap();
        for (position, begin) in
            [(0, 0), (2 << 20, 2 << 20), ((2 << 20) - 1, 0), (4_999_999, 4 << 20), (u64::MAX, 4 << 20)]
        {
            let frame = table.frame_before(position);
            assert_eq!(frame.content, begin, "{position}");
            let (compressed, begin) = (usize::try_from(frame.compressed).unwrap(), usize::try_from(begin).unwrap());
            assert!(zstd::decode_all(&stream[compressed..]).unwrap() == content[begin..], "{position}");
        }
    }

    #[test]
    fn no_table_is_read_from_other_bytes() {
        let stream = compress(b"hello", Compression::Zstd);
        assert!(table(&stream).is_some());
        assert_eq!(table(&stream[1..]), None, "the table describes another stream");
        assert_eq!(table(&compress(b"hello", Compression::Gzip)), None);
        assert_eq!(table(b""), None);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(mut bytes: Vec<u8>, count: u32, descriptor: u8) {
            bytes.extend(count.to_le_bytes());
            bytes.push(descriptor);
            bytes.extend(SEEKABLE_MAGIC.to_le_bytes());
            drop(table(&bytes));
        }
    }
}
