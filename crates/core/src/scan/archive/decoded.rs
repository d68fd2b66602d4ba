//! Decoded content that can be read at any place, with memory that does not grow with it.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::scan::window::{Budget, Window, position};

/// The number of decoded bytes that are kept, at least. Seeking backward by less does not decode anything again.
const KEPT: usize = 2 * 1024 * 1024;

/// The number of bytes that are decoded at once.
const STEP: usize = 64 * 1024;

/// The bytes that are decoded again cost less, because they are not new.
const AGAIN: u64 = 8;

/// The base-2 logarithm of the largest window of zstd, which is in memory.
const ZSTD_WINDOW_LOG: u32 = 27;

/// A compressed format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Deflate,
    Gzip,
    Zlib,
    Zstd,
}

enum Decoder<'a> {
    Deflate(DeflateDecoder<Window<'a>>),
    Gzip(Box<MultiGzDecoder<Window<'a>>>),
    Zlib(ZlibDecoder<Window<'a>>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<Window<'a>>>),
    /// The decoder is being replaced.
    None,
}

impl<'a> Decoder<'a> {
    fn new(method: Method, part: Window<'a>) -> io::Result<Self> {
        Ok(match method {
            Method::Deflate => Self::Deflate(DeflateDecoder::new(part)),
            Method::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(part))),
            Method::Zlib => Self::Zlib(ZlibDecoder::new(part)),
            Method::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(part)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Self::Zstd(decoder)
            }
        })
    }

    fn into_part(self) -> Option<Window<'a>> {
        match self {
            Self::Deflate(decoder) => Some(decoder.into_inner()),
            Self::Gzip(decoder) => Some(decoder.into_inner()),
            Self::Zlib(decoder) => Some(decoder.into_inner()),
            Self::Zstd(decoder) => Some(decoder.finish().into_inner()),
            Self::None => None,
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Deflate(decoder) => decoder.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zlib(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
            Self::None => Ok(0),
        }
    }
}

/// The decoded content of a part of a file.
pub(super) struct Decoded<'a> {
    method: Method,
    decoder: Decoder<'a>,
    budget: Budget,
    /// The last decoded bytes, and the number of bytes before them.
    kept: Vec<u8>,
    kept_from: u64,
    position: u64,
    size: u64,
    sum: u32,
    /// The reason why there are no more bytes, if it is not the end.
    failure: Option<io::Error>,
}

impl<'a> Decoded<'a> {
    /// Decodes the part once, to find its size.
    pub(super) fn new(part: Window<'a>, method: Method, budget: Budget) -> io::Result<Self> {
        let decoder = Decoder::new(method, part)?;
        let (kept, failure) = (Vec::new(), None);
        let mut content =
            Self { method, decoder, budget, kept, kept_from: 0, position: 0, size: u64::MAX, sum: 0, failure };
        let mut crc = Crc::new();
        let end = loop {
            let before = content.reached();
            match content.decode() {
                Ok(0) => break None,
                Ok(count) => crc.update(&content.kept[content.kept.len() - count..]),
                Err(error) => break Some(error),
            }
            if let Err(error) = content.budget.spend(content.reached() - before) {
                break Some(error);
            }
        };
        content.size = content.reached();
        content.sum = crc.sum();
        content.failure = end;
        Ok(content)
    }

    /// The number of bytes that could be decoded.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The CRC-32 of these bytes.
    pub(super) fn sum(&self) -> u32 {
        self.sum
    }

    /// The reason why the content was not decoded up to its end.
    pub(super) fn failure(&self) -> Option<&io::Error> {
        self.failure.as_ref()
    }

    /// The number of bytes that the decoder has returned.
    fn reached(&self) -> u64 {
        self.kept_from + self.kept.len() as u64
    }

    /// Decodes the next bytes, and returns their number.
    fn decode(&mut self) -> io::Result<usize> {
        if self.kept.len() >= 2 * KEPT {
            let dropped = self.kept.len() - KEPT;
            self.kept.drain(..dropped);
            self.kept_from += dropped as u64;
        }
        let before = self.kept.len();
        self.kept.resize(before + STEP, 0);
        let read = loop {
            match self.decoder.read(&mut self.kept[before..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.kept.truncate(before + *read.as_ref().unwrap_or(&0));
        read
    }

    /// Begins again.
    fn restart(&mut self) -> io::Result<()> {
        let decoder = std::mem::replace(&mut self.decoder, Decoder::None);
        let mut part = decoder.into_part().ok_or(io::ErrorKind::InvalidData)?;
        part.rewind()?;
        self.decoder = Decoder::new(self.method, part)?;
        self.kept.clear();
        self.kept_from = 0;
        Ok(())
    }

    /// Decodes until the byte at the current position is kept.
    fn go_to_position(&mut self) -> io::Result<()> {
        if self.position < self.kept_from {
            self.restart()?;
        }
        while self.position >= self.reached() {
            let count = self.decode()?;
            self.budget.spend(count as u64 / AGAIN)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }
}

impl Read for Decoded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        self.go_to_position()?;
        let kept = usize::try_from(self.position - self.kept_from).ok().and_then(|at| self.kept.get(at..));
        let kept = kept.unwrap_or_default();
        let count = kept.len().min(buffer.len());
        buffer[..count].copy_from_slice(&kept[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Decoded<'_> {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        self.position = position(target, self.position, self.size)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    #[test]
    fn content_that_is_not_kept_is_decoded_again() {
        let content: Vec<u8> = (0..3 * KEPT as u64 / 4).flat_map(u64::to_le_bytes).collect();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&content).unwrap();
        let compressed = encoder.finish().unwrap();
        let (size, budget) = (compressed.len() as u64, Budget::new(u64::MAX));
        let mut file = Cursor::new(compressed);
        let part = Window::new(&mut file, 0, size, budget.clone());
        let mut decoded = Decoded::new(part, Method::Deflate, budget).unwrap();
        assert_eq!(decoded.size(), content.len() as u64);
        assert!(decoded.failure().is_none());
        for place in [content.len() - 100, 50, 3 * KEPT, 51, 0] {
            decoded.seek(SeekFrom::Start(place as u64)).unwrap();
            let mut bytes = [0; 100];
            decoded.read_exact(&mut bytes).unwrap();
            assert_eq!(bytes, content[place..place + 100], "{place}");
            assert!(decoded.kept.len() <= 2 * KEPT + STEP);
        }
    }
}
