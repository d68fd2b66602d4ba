//! The supported compressions, by name, with the encoder and the decoder of each.

use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::str::FromStr;

use super::block::Format;
use super::encoder::Encoder;
use super::gain::Gain;
use super::gzip::Gzip;
use super::seekable::Seekable;
use crate::limits;

/// The compression of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// Stored as it is: the default, right for weights, which are hardly compressible.
    #[default]
    None,
    /// gzip at level 6.
    Gzip,
    /// gzip at level 1.
    GzipFastest,
    /// Zstandard at level 3; `kit` up to 1.7 cannot read it.
    Zstd,
}

/// The memory that the threads of one stream may use. The limit of the whole process is 64 MiB, and hashing and writing
/// need their share.
const MEMORY_BYTES: usize = 24 * 1024 * 1024;

impl Compression {
    /// All compressions, in the order in which help texts list them.
    pub const ALL: [Self; 4] = [Self::None, Self::Gzip, Self::GzipFastest, Self::Zstd];

    /// The name that `--compression` takes.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::GzipFastest => "gzip-fastest",
            Self::Zstd => "zstd",
        }
    }

    /// Returns the suffix of the media type: empty, `+gzip` or `+zstd`.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip | Self::GzipFastest => "+gzip",
            Self::Zstd => "+zstd",
        }
    }

    /// Returns a writer that compresses into `sink` with all cores; [`Encoder::finish`] must be called to complete the
    /// stream.
    ///
    /// Calls `saves_little` at most once, if less than 3 % are saved: early in a large stream, otherwise at its end.
    /// Uses up to 32 MiB of memory.
    pub fn encoder<'a, W: Write>(self, sink: W, saves_little: impl FnOnce() + Send + 'a) -> io::Result<Encoder<'a, W>> {
        let Some(format) = self.format() else { return Ok(Encoder::plain(sink)) };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.min(MEMORY_BYTES / format.shape().memory_bytes());
        Encoder::new(sink, format, threads, Gain::new(saves_little))
    }

    fn format(self) -> Option<Box<dyn Format>> {
        match self {
            Self::None => None,
            Self::Gzip => Some(Box::new(Gzip::new(6))),
            Self::GzipFastest => Some(Box::new(Gzip::new(1))),
            Self::Zstd => Some(Box::<Seekable>::default()),
        }
    }

    /// Returns a reader that decompresses `source`. Concatenated gzip members and zstd frames are read as one stream.
    pub fn decoder<'a, R: BufRead + Send + 'a>(self, source: R) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::None => Box::new(source),
            Self::Gzip | Self::GzipFastest => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(source)?;
                decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
        })
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The error for a name that is not a compression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid compression type: must be one of 'none', 'gzip', 'gzip-fastest', or 'zstd', not `{0}`")]
pub struct UnknownCompression(String);

impl FromStr for Compression {
    type Err = UnknownCompression;

    fn from_str(name: &str) -> Result<Self, UnknownCompression> {
        let known = Self::ALL.into_iter().find(|compression| compression.name() == name);
        known.ok_or_else(|| UnknownCompression(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(compression: Compression, content: &[u8]) -> Vec<u8> {
        let mut encoder = compression.encoder(Vec::new(), || ()).unwrap();
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(compression: Compression, encoded: &[u8]) -> io::Result<Vec<u8>> {
        let mut decoded = Vec::new();
        compression.decoder(encoded)?.read_to_end(&mut decoded)?;
        Ok(decoded)
    }

    #[test]
    fn every_compression_is_parsed_from_its_name() {
        for compression in Compression::ALL {
            assert_eq!(compression.name().parse(), Ok(compression));
        }
        assert!("gz".parse::<Compression>().is_err());
    }

    #[test]
    fn gzip_headers_carry_no_time_and_no_system() {
        assert_eq!(encode(Compression::Gzip, b"hello")[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        assert_eq!(encode(Compression::GzipFastest, b"hello")[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255]);
    }

    #[test]
    fn concatenated_streams_read_as_one() {
        for compression in [Compression::Gzip, Compression::Zstd] {
            let both = [encode(compression, b"one "), encode(compression, b"two")].concat();
            assert_eq!(decode(compression, &both).unwrap(), b"one two");
        }
    }

    proptest::proptest! {
        #[test]
        fn decoding_undoes_encoding(content: Vec<u8>) {
            for compression in Compression::ALL {
                assert_eq!(decode(compression, &encode(compression, &content)).unwrap(), content);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(encoded: Vec<u8>) {
            for compression in Compression::ALL {
                drop(decode(compression, &encoded));
            }
        }
    }
}
