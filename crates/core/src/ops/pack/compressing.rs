//! A reader that compresses its source: it gives the bytes of a compressed layer without storing them.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::compression::{Compression, Encoder};

/// The step in which the source is read. It equals the step of `archive`, so that encoders get the same input as when
/// the layer was packed.
const STEP_BYTES: usize = 1 << 20;

/// Reads `source` and gives its bytes compressed.
pub(super) struct Compressing<R> {
    source: R,
    /// `None` when the end of the stream has been written.
    encoder: Option<Encoder<'static, Pipe>>,
    ready: Pipe,
    step: Vec<u8>,
}

impl<R: Read> Compressing<R> {
    pub(super) fn new(source: R, compression: Compression) -> io::Result<Self> {
        let ready = Pipe::default();
        let encoder = Some(compression.encoder(ready.clone(), || ())?);
        Ok(Self { source, encoder, ready, step: Vec::with_capacity(STEP_BYTES) })
    }

    /// Gives the encoder the next step of the source, or ends its stream.
    fn feed(&mut self, mut encoder: Encoder<'static, Pipe>) -> io::Result<()> {
        self.step.clear();
        self.source.by_ref().take(STEP_BYTES as u64).read_to_end(&mut self.step)?;
        encoder.write_all(&self.step)?;
        if self.step.len() < STEP_BYTES {
            encoder.finish()?;
        } else {
            self.encoder = Some(encoder);
        }
        Ok(())
    }
}

impl<R: Read> Read for Compressing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.ready.bytes().read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(encoder) = self.encoder.take() else { return Ok(0) };
            self.feed(encoder)?;
        }
    }
}

/// The bytes that the encoder has written and that have not been read yet.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<VecDeque<u8>>>);

impl Pipe {
    fn bytes(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.0.lock().expect("no thread panics while it copies bytes")
    }
}

impl Write for Pipe {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.bytes().write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
