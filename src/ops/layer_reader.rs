//! Reading the uncompressed bytes of a layer here and there.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::compression::Compression;
use crate::modelkit::Layer;
use crate::oci::{Content, RangedReader};

/// Bytes with a position.
pub(super) trait ReadSeek: Read + Seek {}

impl<R: Read + Seek> ReadSeek for R {}

/// Opens `layer`, which `blob` is the content of. What comes is not verified. Of a layer without compression, what is passed over is not
/// fetched; another one is decompressed up to where it is read, and once more from the beginning for a way back.
pub(super) fn open<'a>(blob: &'a dyn Content, layer: &Layer) -> Box<dyn ReadSeek + 'a> {
    match layer.compression {
        Compression::None => Box::new(RangedReader::new(blob, layer.descriptor.size)),
        compression => Box::new(Decompressing { blob, compression, opened: None, position: 0 }),
    }
}

struct Decompressing<'a> {
    blob: &'a dyn Content,
    compression: Compression,
    opened: Option<Box<dyn Read + Send + 'a>>,
    /// Of `opened`, in the uncompressed layer.
    position: u64,
}

impl<'a> Decompressing<'a> {
    fn opened(&mut self) -> io::Result<&mut Box<dyn Read + Send + 'a>> {
        if self.opened.is_none() {
            let compressed = BufReader::new(self.blob.open_at(0)?);
            (self.opened, self.position) = (Some(self.compression.decoder(compressed)?), 0);
        }
        self.opened.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Read for Decompressing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.opened()?.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Decompressing<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(position) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        if position < self.position {
            self.opened = None;
        }
        self.opened()?;
        let distance = position - self.position;
        let passed = io::copy(&mut self.by_ref().take(distance), &mut io::sink())?;
        if passed < distance { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(position) }
    }
}
