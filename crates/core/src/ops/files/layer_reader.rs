//! Reading the uncompressed bytes of a layer here and there.

use std::cell::OnceCell;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::compression::{Compression, Frame, SeekTable};
use crate::modelkit::Layer;
use crate::oci::{Content, RangedReader};

/// Bytes with a position.
pub(super) trait ReadSeek: Read + Seek {}

impl<R: Read + Seek> ReadSeek for R {}

/// Opens `layer`, which `blob` is the content of. What comes is not verified. Of a layer without compression, what is passed over is not
/// fetched; another one is decompressed up to where it is read, and once more from the beginning for a way back; but Zstandard with a
/// seek table from the frame on that holds what is read.
pub(super) fn open<'a>(blob: &'a dyn Content, layer: &Layer) -> Box<dyn ReadSeek + 'a> {
    let layer_size = layer.descriptor.size;
    match layer.compression {
        Compression::None => Box::new(RangedReader::new(blob, layer_size)),
        compression => Box::new(Decompressing {
            blob,
            layer_size,
            compression,
            frames: OnceCell::new(),
            opened: None,
            position: 0,
        }),
    }
}

struct Decompressing<'a> {
    blob: &'a dyn Content,
    layer_size: u64,
    compression: Compression,
    /// What was found of a seek table, if anybody looked.
    frames: OnceCell<Option<SeekTable>>,
    opened: Option<Box<dyn Read + Send + 'a>>,
    /// Of `opened`, in the uncompressed layer.
    position: u64,
}

impl Decompressing<'_> {
    fn open(&mut self, Frame { compressed, content }: Frame) -> io::Result<()> {
        let opened = BufReader::new(self.blob.open_at(compressed)?);
        (self.opened, self.position) = (Some(self.compression.decoder(opened)?), content);
        Ok(())
    }

    /// Where decompressing can begin for `position`.
    fn frame_before(&self, position: u64) -> io::Result<Frame> {
        if self.compression != Compression::Zstd {
            return Ok(Frame::default());
        }
        if self.frames.get().is_none() {
            let found = SeekTable::read(&mut RangedReader::new(self.blob, self.layer_size), self.layer_size)?;
            self.frames.get_or_init(|| found);
        }
        let table = self.frames.get().and_then(Option::as_ref);
        Ok(table.map_or_else(Frame::default, |table| table.frame_before(position)))
    }
}

impl Read for Decompressing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.opened.is_none() {
            self.open(Frame::default())?;
        }
        let read = self.opened.as_mut().map_or(Ok(0), |opened| opened.read(buffer))?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Decompressing<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(position) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        let frame = self.frame_before(position)?;
        if self.opened.is_none() || position < self.position || self.position < frame.content {
            self.open(frame)?;
        }
        let distance = position - self.position;
        let passed = io::copy(&mut self.by_ref().take(distance), &mut io::sink())?;
        if passed < distance { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(position) }
    }
}
