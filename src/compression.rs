//! How the bytes of a layer are compressed.
//!
//! Knows nothing of tar or of media types beyond the suffix that names a compression.

use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::str::FromStr;

use flate2::GzBuilder;
use flate2::write::GzEncoder;

/// The compression of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Compression {
    /// Stored as it is: the default, right for weights, which hardly shrink.
    #[default]
    None,
    /// gzip at level 6.
    Gzip,
    /// gzip at level 1.
    GzipFastest,
    /// Zstandard at level 3; `kit` up to 1.7 cannot read it.
    Zstd,
}

/// gzip's "unknown operating system" (RFC 1952, 2.3.1), so that the bytes do not tell where they were made.
const GZIP_OS_UNKNOWN: u8 = 255;

impl Compression {
    /// All of them, in the order that help texts show.
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

    /// What a media type appends for it: empty, `+gzip` or `+zstd`.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip | Self::GzipFastest => "+gzip",
            Self::Zstd => "+zstd",
        }
    }

    /// Compresses what is written into `sink`; [`Encoder::finish`] must be called for the stream to be whole.
    pub fn encoder<W: Write>(self, sink: W) -> io::Result<Encoder<W>> {
        Ok(match self {
            Self::None => Encoder::None(sink),
            Self::Gzip => Encoder::Gzip(gzip_encoder(sink, 6)),
            Self::GzipFastest => Encoder::Gzip(gzip_encoder(sink, 1)),
            Self::Zstd => Encoder::Zstd(zstd::Encoder::new(sink, 3)?),
        })
    }

    /// Decompresses `source`. Concatenated gzip members and zstd frames read as one stream.
    pub fn decoder<'a, R: BufRead + Send + 'a>(self, source: R) -> io::Result<Box<dyn Read + Send + 'a>> {
        Ok(match self {
            Self::None => Box::new(source),
            Self::Gzip | Self::GzipFastest => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
            Self::Zstd => Box::new(zstd::Decoder::with_buffer(source)?),
        })
    }
}

fn gzip_encoder<W: Write>(sink: W, level: u32) -> GzEncoder<W> {
    GzBuilder::new().operating_system(GZIP_OS_UNKNOWN).write(sink, flate2::Compression::new(level))
}

/// A compressing writer made by [`Compression::encoder`].
pub enum Encoder<W: Write> {
    /// Passes bytes on.
    None(W),
    /// One gzip member.
    Gzip(GzEncoder<W>),
    /// One Zstandard frame.
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Encoder<W> {
    /// Writes the end of the compressed stream and returns the sink.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::None(sink) => Ok(sink),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(sink) => sink.write(buffer),
            Self::Gzip(encoder) => encoder.write(buffer),
            Self::Zstd(encoder) => encoder.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None(sink) => sink.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no compression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a compression; use none, gzip, gzip-fastest or zstd")]
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
        let mut encoder = compression.encoder(Vec::new()).unwrap();
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
