//! Random access to the uncompressed bytes of a layer.

use std::cell::OnceCell;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::compression::{Compression, Frame, SeekTable};
use crate::modelkit::Layer;
use crate::oci::{Content, RangedReader};

/// A seekable reader.
pub(super) trait ReadSeek: Read + Seek {}

impl<R: Read + Seek> ReadSeek for R {}

/// Opens `layer`, whose content is `blob`. The bytes are not verified.
///
/// Of an uncompressed layer, bytes that are skipped are not fetched. A compressed layer is decompressed up to the
/// position that is read, and from the beginning again for a seek backwards. A Zstandard layer with a seek table is
/// decompressed only from the frame that contains the position.
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
    /// The seek table, after the first search for one.
    frames: OnceCell<Option<SeekTable>>,
    opened: Option<Box<dyn Read + Send + 'a>>,
    /// The position of `opened` in the uncompressed layer.
    position: u64,
}

impl Decompressing<'_> {
    fn open(&mut self, Frame { compressed, content }: Frame) -> io::Result<()> {
        let opened = BufReader::new(self.blob.open_at(compressed)?);
        (self.opened, self.position) = (Some(self.compression.decoder(opened)?), content);
        Ok(())
    }

    /// The latest frame at which decompression up to `position` can begin.
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
