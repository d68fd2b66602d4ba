//! Names content by its SHA-256 digest, and computes or checks the name while bytes pass by.
//!
//! Knows nothing of files, HTTP or OCI documents.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// The name of some bytes: `sha256:` and 64 lower-case hexadecimal digits.
///
/// A `Digest` that came from outside has been checked to be of this form, so its hexadecimal part is safe as a file name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Computes the digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 64 hexadecimal digits without the `sha256:` in front.
    pub fn hex(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
        self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a digest `kit` can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest of the form sha256:<64 lower-case hexadecimal digits>")]
pub struct ParseError(String);

impl FromStr for Digest {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse_hex(text).map(Self).ok_or_else(|| ParseError(text.to_owned()))
    }
}

fn parse_hex(text: &str) -> Option<[u8; 32]> {
    let hex = text.strip_prefix("sha256:")?.as_bytes();
    let mut bytes = [0; 32];
    if hex.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A SHA-256 computation that has taken some bytes already.
///
/// Hashing is the slowest step of everything that moves large content (2 GB/s on one core), so what comes after the first
/// MiB is hashed by a thread of its own while the caller reads or writes on.
#[derive(Default)]
pub struct Hasher {
    inline: Sha256,
    piece: Vec<u8>,
    thread: Option<HashingThread>,
}

struct HashingThread {
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    handle: JoinHandle<Sha256>,
    pieces_made: usize,
}

/// How many bytes are handed to the thread at once.
const PIECE_BYTES: usize = 1024 * 1024;
/// Pieces in flight.
const PIECES: usize = 4;

impl Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE_BYTES - self.piece.len()));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == PIECE_BYTES {
                self.pass_on();
            }
        }
    }

    /// The digest of everything taken.
    pub fn finish(self) -> Digest {
        let mut hash = match self.thread {
            None => self.inline,
            Some(thread) => {
                drop(thread.full);
                thread.handle.join().expect(HASHING_ENDS_WELL)
            }
        };
        hash.update(&self.piece);
        Digest(hash.finalize().into())
    }

    fn pass_on(&mut self) {
        let inline = &mut self.inline;
        let thread = self.thread.get_or_insert_with(|| HashingThread::start(std::mem::take(inline)));
        let next = thread.next_piece();
        thread.full.send(std::mem::replace(&mut self.piece, next)).expect(HASHING_ENDS_WELL);
    }
}

const HASHING_ENDS_WELL: &str = "hashing does not panic, and ends when its input ends";

impl HashingThread {
    fn start(mut hash: Sha256) -> Self {
        let (full, to_hash) = sync_channel::<Vec<u8>>(PIECES);
        let (hashed, empty) = channel();
        let handle = std::thread::spawn(move || {
            for mut piece in to_hash {
                hash.update(&piece);
                piece.clear();
                // Nobody needs the piece again when the input has ended.
                drop(hashed.send(piece));
            }
            hash
        });
        Self { full, empty, handle, pieces_made: 1 }
    }

    /// A piece that has been hashed, or a new one as long as there are few.
    fn next_piece(&mut self) -> Vec<u8> {
        if self.pieces_made < PIECES {
            self.pieces_made += 1;
            return Vec::with_capacity(PIECE_BYTES);
        }
        self.empty.recv().expect(HASHING_ENDS_WELL)
    }
}

/// Passes bytes on to another writer and computes their digest and count.
pub struct DigestWriter<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
}

impl<W: Write> DigestWriter<W> {
    /// Starts counting at nothing, in front of `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::default(), size: 0 }
    }

    /// The inner writer, the digest and the number of the bytes that it took.
    pub fn finish(self) -> (W, Digest, u64) {
        (self.inner, self.hasher.finish(), self.size)
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Bytes that are not what their descriptor says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The bytes have another digest.
    #[error("the content does not match its digest: expected {expected}, found {found}")]
    Digest {
        /// What the descriptor says.
        expected: Digest,
        /// What the bytes have.
        found: Digest,
    },
    /// The bytes end too early.
    #[error("the content of {digest} ends after {found} bytes; its descriptor says {expected}")]
    TooShort {
        /// The content's name.
        digest: Digest,
        /// Size in bytes that the descriptor says.
        expected: u64,
        /// Size in bytes that was there.
        found: u64,
    },
    /// There are more bytes than the descriptor says; they were not read.
    #[error("the content of {digest} is longer than the {expected} bytes that its descriptor says")]
    TooLong {
        /// The content's name.
        digest: Digest,
        /// Size in bytes that the descriptor says.
        expected: u64,
    },
}

impl Mismatch {
    /// Whether `error`, or what it was made from, is a `Mismatch`.
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<Mismatch> for io::Error {
    fn from(mismatch: Mismatch) -> Self {
        Self::new(io::ErrorKind::InvalidData, mismatch)
    }
}

/// Passes bytes on and reports a [`Mismatch`] instead of the end when size or digest are not the expected ones.
///
/// What was read before the end is unproven: only a reader that returned `Ok(0)` vouches for its bytes.
pub struct VerifyingReader<R> {
    inner: R,
    hasher: Option<Hasher>,
    expected: Digest,
    size: u64,
    read: u64,
}

impl<R: Read> VerifyingReader<R> {
    /// Expects `size` bytes whose digest is `expected`.
    pub fn new(inner: R, expected: Digest, size: u64) -> Self {
        Self::resumed(inner, Hasher::default(), 0, expected, size)
    }

    /// Like [`new`](Self::new), but `hasher` has taken the first `read` bytes already and `inner` starts behind them.
    pub fn resumed(inner: R, hasher: Hasher, read: u64, expected: Digest, size: u64) -> Self {
        Self { inner, hasher: Some(hasher), expected, size, read }
    }

    /// Reads and drops what is left, so that all of it is checked.
    pub fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }

    fn finish(&mut self) -> Result<(), Mismatch> {
        let Some(hasher) = self.hasher.take() else { return Ok(()) };
        if self.read < self.size {
            return Err(Mismatch::TooShort { digest: self.expected, expected: self.size, found: self.read });
        }
        let found = hasher.finish();
        if found != self.expected {
            return Err(Mismatch::Digest { expected: self.expected, found });
        }
        Ok(())
    }
}

impl<R: Read> Read for VerifyingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = self.inner.read(buffer)?;
        if read == 0 {
            self.finish()?;
            return Ok(0);
        }
        self.read += read as u64;
        if self.read > self.size {
            return Err(Mismatch::TooLong { digest: self.expected, expected: self.size }.into());
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..read]);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_prints_as_it_was_parsed() {
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
        assert_eq!(EMPTY.parse(), Ok(Digest::of(b"")));
    }

    #[test]
    fn only_lower_case_sha256_is_a_digest() {
        let upper = EMPTY.to_uppercase();
        let long = format!("{EMPTY}0");
        for text in ["", "sha256:", "sha256:../../etc/passwd", &upper, &long, "sha512:00", &EMPTY[7..]] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_hasher_gives_the_same_digest_whatever_the_pieces() {
        let content: Vec<u8> = (0..7_000_003u32).map(|position| (position / 3).to_le_bytes()[0]).collect();
        for piece in [content.len(), PIECE_BYTES, PIECE_BYTES - 1, 70_001] {
            let mut hasher = Hasher::default();
            content.chunks(piece).for_each(|bytes| hasher.update(bytes));
            assert_eq!(hasher.finish(), Digest::of(&content), "{piece}");
        }
    }

    #[test]
    fn a_digest_writer_names_what_it_passed_on() {
        let mut writer = DigestWriter::new(Vec::new());
        writer.write_all(b"hello").unwrap();
        assert_eq!(writer.finish(), (b"hello".to_vec(), Digest::of(b"hello"), 5));
    }

    fn check(content: &[u8], expected: &[u8]) -> Result<Vec<u8>, Mismatch> {
        let mut read = Vec::new();
        let mut reader = VerifyingReader::new(content, Digest::of(expected), expected.len() as u64);
        match reader.read_to_end(&mut read) {
            Ok(_) => Ok(read),
            Err(error) => Err(Mismatch::in_io(&error).unwrap().clone()),
        }
    }

    #[test]
    fn a_verifying_reader_passes_only_what_was_promised() {
        assert_eq!(check(b"hello", b"hello"), Ok(b"hello".to_vec()));
        assert!(matches!(check(b"hellO", b"hello"), Err(Mismatch::Digest { .. })));
        assert!(matches!(check(b"hell", b"hello"), Err(Mismatch::TooShort { expected: 5, found: 4, .. })));
        assert!(matches!(check(b"hello!", b"hello"), Err(Mismatch::TooLong { expected: 5, .. })));
        assert_eq!(check(b"", b""), Ok(Vec::new()));
    }

    proptest::proptest! {
        #[test]
        fn chunking_changes_neither_bytes_nor_verdict(content: Vec<u8>, chunk in 1usize..70) {
            let mut reader = VerifyingReader::new(&content[..], Digest::of(&content), content.len() as u64);
            let mut read = Vec::new();
            let mut buffer = vec![0; chunk];
            loop {
                match reader.read(&mut buffer).unwrap() {
                    0 => break,
                    count => read.extend_from_slice(&buffer[..count]),
                }
            }
            assert_eq!(read, content);
        }
    }
}
