//! The compressing writer: collects blocks, compresses them in threads and writes them in order.

use std::io::{self, Write};

use super::block::{Block, Format};
use super::gain::Gain;
use super::threads::Threads;

/// A compressing writer made by [`Compression::encoder`](super::choice::Compression::encoder).
///
/// [`finish`](Self::finish) must be called. Flushing flushes the sink only: bytes of an incomplete block stay in it,
/// because otherwise the output would depend on when it was flushed.
pub struct Encoder<'a, W> {
    sink: W,
    /// None without compression.
    blocks: Option<Blocks<'a>>,
}

impl<'a, W: Write> Encoder<'a, W> {
    pub(super) fn plain(sink: W) -> Self {
        Self { sink, blocks: None }
    }

    /// Creates an encoder that compresses into `format` with `threads` threads, and reports each block to `gain`.
    pub(super) fn new(mut sink: W, format: Box<dyn Format>, threads: usize, gain: Gain<'a>) -> io::Result<Self> {
        sink.write_all(format.head())?;
        let block = Block::new(format.shape());
        Ok(Self { sink, blocks: Some(Blocks { block, threads: Threads::new(threads), format, gain }) })
    }

    /// Writes the end of the compressed stream and returns the sink.
    pub fn finish(mut self) -> io::Result<W> {
        if let Some(blocks) = self.blocks {
            blocks.finish(&mut self.sink)?;
        }
        Ok(self.sink)
    }
}

impl<W: Write> Write for Encoder<'_, W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.blocks {
            None => self.sink.write(buffer),
            Some(blocks) => blocks.write(buffer, &mut self.sink),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

struct Blocks<'a> {
    format: Box<dyn Format>,
    /// The block that is being filled. It is passed on only when more bytes come, so that the last block is not empty
    /// unless all input is.
    block: Block,
    threads: Threads,
    gain: Gain<'a>,
}

impl Blocks<'_> {
    fn write(&mut self, buffer: &[u8], sink: &mut impl Write) -> io::Result<usize> {
        if self.block.is_full() && !buffer.is_empty() {
            self.pass_on(sink)?;
        }
        Ok(self.block.take(buffer))
    }

    /// Sends the block to the threads, and begins the next one.
    fn pass_on(&mut self, sink: &mut impl Write) -> io::Result<()> {
        let free = if self.threads.are_busy() { self.put_oldest(sink)? } else { None };
        let mut next = free.unwrap_or_else(|| Block::new(self.format.shape()));
        next.restart_after(&self.block);
        let full = std::mem::replace(&mut self.block, next);
        self.threads.send(full, &*self.format)
    }

    /// Writes the oldest block in flight, if there is one, and returns it for reuse.
    fn put_oldest(&mut self, sink: &mut impl Write) -> io::Result<Option<Block>> {
        let Some(block) = self.threads.receive()? else { return Ok(None) };
        self.format.count(&block)?;
        self.gain.count(&block);
        sink.write_all(block.compressed())?;
        Ok(Some(block))
    }

    fn finish(mut self, sink: &mut impl Write) -> io::Result<()> {
        self.pass_on(sink)?;
        while self.put_oldest(sink)?.is_some() {}
        self.gain.finish();
        sink.write_all(&self.format.tail()?)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::{Arc, Weak};

    use super::*;
    use crate::compression::block::{Compressor, Shape};
    use crate::compression::choice::Compression;
    use crate::compression::gzip::Gzip;
    use crate::compression::seekable::Seekable;

    /// A format with blocks so small that little input makes many of them.
    struct Small(Box<dyn Format>);

    impl Format for Small {
        fn shape(&self) -> Shape {
            Shape { block_bytes: 100, history_bytes: self.0.shape().history_bytes.min(30) }
        }

        fn head(&self) -> &[u8] {
            self.0.head()
        }

        fn compressor(&self) -> io::Result<Box<dyn Compressor>> {
            self.0.compressor()
        }

        fn count(&mut self, block: &Block) -> io::Result<()> {
            self.0.count(block)
        }

        fn tail(&self) -> io::Result<Vec<u8>> {
            self.0.tail()
        }
    }

    fn small(compression: Compression) -> Box<dyn Format> {
        Box::new(Small(match compression {
            Compression::Zstd => Box::<Seekable>::default(),
            Compression::GzipFastest => Box::new(Gzip::new(1)),
            _ => Box::new(Gzip::new(6)),
        }))
    }

    const COMPRESSED: [Compression; 3] = [Compression::Gzip, Compression::GzipFastest, Compression::Zstd];

    fn encode(format: Box<dyn Format>, threads: usize, content: &[u8], chunk: usize) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new(), format, threads, Gain::new(|| ())).unwrap();
        for piece in content.chunks(chunk) {
            encoder.write_all(piece).unwrap();
            encoder.flush().unwrap();
        }
        encoder.finish().unwrap()
    }

    proptest::proptest! {
        #[test]
        fn neither_threads_nor_chunks_change_a_byte(
            content in proptest::collection::vec(0u8..4, 0..2000),
            chunk in 1usize..300,
        ) {
            for compression in COMPRESSED {
                let alone = encode(small(compression), 1, &content, 1 << 20);
                assert_eq!(encode(small(compression), 3, &content, chunk), alone);
                let mut decoded = Vec::new();
                compression.decoder(&alone[..]).unwrap().read_to_end(&mut decoded).unwrap();
                assert_eq!(decoded, content);
            }
        }

        #[test]
        fn the_seek_table_leads_to_every_frame(content in proptest::collection::vec(0u8..4, 0..2000)) {
            let encoded = encode(small(Compression::Zstd), 2, &content, 77);
            let number = |at: usize| u32::from_le_bytes(encoded[at..at + 4].try_into().unwrap()) as usize;
            let end = encoded.len();
            assert_eq!((number(end - 4), encoded[end - 5]), (0x8F92_EAB1, 0));
            let frames = number(end - 9);
            let table = end - 9 - 8 * frames;
            assert_eq!((number(table - 8), number(table - 4)), (0x184D_2A5E, 8 * frames + 9));
            let (mut offset, mut decoded) = (0, Vec::new());
            for entry in (table..end - 9).step_by(8) {
                let (size, content_size) = (number(entry), number(entry + 4));
                let frame = zstd::bulk::decompress(&encoded[offset..offset + size], content_size).unwrap();
                assert_eq!(frame.len(), content_size);
                decoded.extend(frame);
                offset += size;
            }
            assert_eq!((offset, decoded), (table - 8, content));
        }
    }

    #[test]
    fn blocks_of_full_size_are_put_together_again() {
        let content: Vec<u8> =
            (0..5_000_011u32).flat_map(|number| (number / 5).to_le_bytes()).take(5_000_011).collect();
        for compression in COMPRESSED {
            let mut encoder = compression.encoder(Vec::new(), || ()).unwrap();
            encoder.write_all(&content).unwrap();
            let stream = encoder.finish().unwrap();
            let mut decoded = Vec::new();
            compression.decoder(&stream[..]).unwrap().read_to_end(&mut decoded).unwrap();
            assert!(decoded == content, "{compression}");
        }
    }

    #[test]
    fn gzip_is_one_member() {
        let content = [7; 1000];
        let encoded = encode(small(Compression::Gzip), 2, &content, 1000);
        let mut decoded = Vec::new();
        let mut rest = &encoded[..];
        flate2::bufread::GzDecoder::new(&mut rest).read_to_end(&mut decoded).unwrap();
        assert_eq!((decoded, rest), (content.to_vec(), &[][..]));
    }

    fn reports_little_gain(content: &[u8]) -> bool {
        let mut reported = 0;
        let mut encoder = Compression::Zstd.encoder(io::sink(), || reported += 1).unwrap();
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap();
        reported == 1
    }

    #[test]
    fn only_large_input_that_hardly_shrinks_is_reported() {
        let mut state = 1u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .take(9 << 20)
        .collect();
        assert!(reports_little_gain(&noise));
        assert!(!reports_little_gain(&noise[..1 << 20]));
        assert!(!reports_little_gain(&vec![0; 9 << 20]));
    }

    /// Compresses nothing, but fails or panics.
    struct Broken(Arc<()>, Failure);

    #[derive(Clone, Copy)]
    enum Failure {
        Error,
        Panic,
    }

    impl Format for Broken {
        fn shape(&self) -> Shape {
            Shape { block_bytes: 10, history_bytes: 0 }
        }

        fn head(&self) -> &[u8] {
            &[]
        }

        fn compressor(&self) -> io::Result<Box<dyn Compressor>> {
            Ok(Box::new(Self(Arc::clone(&self.0), self.1)))
        }

        fn count(&mut self, _: &Block) -> io::Result<()> {
            Ok(())
        }

        fn tail(&self) -> io::Result<Vec<u8>> {
            Ok(Vec::new())
        }
    }

    impl Compressor for Broken {
        fn compress(&mut self, _: &[u8], _: &[u8], _: &mut Vec<u8>) -> io::Result<()> {
            match self.1 {
                Failure::Error => Err(io::Error::other("broken")),
                Failure::Panic => panic!("broken"),
            }
        }
    }

    fn broken(failure: Failure) -> (Encoder<'static, Vec<u8>>, Weak<()>) {
        let alive = Arc::new(());
        let weak = Arc::downgrade(&alive);
        let format = Box::new(Broken(alive, failure));
        (Encoder::new(Vec::new(), format, 2, Gain::new(|| ())).unwrap(), weak)
    }

    #[test]
    fn errors_and_panics_of_threads_are_errors_of_the_encoder() {
        for (failure, expected) in [(Failure::Error, "broken"), (Failure::Panic, "a compression thread ended early")] {
            let (mut encoder, _) = broken(failure);
            let result = encoder.write_all(&[0; 25]).and_then(|()| encoder.finish());
            assert_eq!(result.unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn threads_end_with_an_encoder_that_is_given_up() {
        let (mut encoder, threads) = broken(Failure::Error);
        encoder.write_all(&[0; 25]).unwrap();
        assert!(threads.upgrade().is_some());
        drop(encoder);
        assert!(threads.upgrade().is_none());
    }

    #[test]
    fn the_error_of_a_sink_is_returned() {
        let mut little = [0; 5];
        let mut encoder = Compression::Zstd.encoder(&mut little[..], || ()).unwrap();
        encoder.write_all(b"hello").unwrap();
        assert_eq!(encoder.finish().unwrap_err().kind(), io::ErrorKind::WriteZero);
    }
}
