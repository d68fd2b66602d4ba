//! Compressing what is read: the bytes that a layer has when it is stored, without storing it.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::compression::{Compression, Encoder};

/// The step in which the source is read: that of `archive`, so that encoders are fed as they were when the layer was packed.
const STEP_BYTES: usize = 1 << 20;

/// Gives the compressed bytes of what `source` gives.
pub(super) struct Compressing<R> {
    source: R,
    /// None when the end is written.
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

    /// Feeds the encoder once more, or ends its stream.
    fn go_on(&mut self, mut encoder: Encoder<'static, Pipe>) -> io::Result<()> {
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
            self.go_on(encoder)?;
        }
    }
}

/// What the encoder has written and nobody has read.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<VecDeque<u8>>>);

impl Pipe {
    fn bytes(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.0.lock().expect("nobody panics while bytes are copied")
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
