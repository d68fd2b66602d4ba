//! Computes digests beside whoever reads or writes.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use super::name::Digest;
use super::sha256::Sha256;

/// A SHA-256 computation that has taken some bytes already.
///
/// Hashing is the slowest step of everything that moves large content (2 GB/s on one core), so what comes after the first
/// MiB is hashed by a thread of its own while the caller reads or writes on.
///
/// Parts of the bytes can have digests of their own: files in a layer. Where a part begins at a multiple of 64 bytes, its digest
/// costs next to nothing.
#[derive(Default)]
pub struct Hasher {
    inline: Hashes,
    piece: Piece,
    thread: Option<HashingThread>,
}

/// Gives the digests of parts, in the order in which they ended, several at once and some time after that; it ends with the hasher.
pub type PartDigests = Receiver<Vec<Digest>>;

/// Bytes on their way to be hashed.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    /// How many bytes come before each beginning or end of a part.
    bounds: Vec<usize>,
}

impl Piece {
    fn clear(&mut self) {
        self.bytes.clear();
        self.bounds.clear();
    }
}

/// The computation over everything, and that over the part which has begun.
#[derive(Default)]
struct Hashes {
    whole: Sha256,
    part: Option<Sha256>,
    digests: Option<Sender<Vec<Digest>>>,
}

struct HashingThread {
    full: SyncSender<Piece>,
    empty: Receiver<Piece>,
    handle: JoinHandle<Hashes>,
    pieces_made: usize,
}

/// How many bytes are handed to the thread at once.
const PIECE_BYTES: usize = 1024 * 1024;
/// Pieces in flight.
const PIECES: usize = 4;

impl Hasher {
    /// What gives the digests of parts. To be asked for before the first part begins.
    pub fn parts(&mut self) -> PartDigests {
        let (sender, receiver) = channel();
        self.inline.digests = Some(sender);
        receiver
    }

    /// Begins a part with the next byte, or ends the one that has begun.
    pub fn bound(&mut self) {
        self.piece.bounds.push(self.piece.bytes.len());
    }

    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE_BYTES - self.piece.bytes.len()));
            self.piece.bytes.extend_from_slice(now);
            bytes = later;
            if self.piece.bytes.len() == PIECE_BYTES {
                self.pass_on();
            }
        }
    }

    /// Hands on what was taken, so that the digests of all parts that have ended will come.
    pub fn settle(&mut self) {
        if self.thread.is_some() {
            self.pass_on();
        } else {
            self.inline.take(&self.piece);
            self.piece.clear();
        }
    }

    /// The digest of everything taken.
    pub fn finish(self) -> Digest {
        let mut hashes = match self.thread {
            None => self.inline,
            Some(thread) => {
                drop(thread.full);
                thread.handle.join().expect(HASHING_ENDS_WELL)
            }
        };
        hashes.take(&self.piece);
        Digest::from_bytes(hashes.whole.finish())
    }

    fn pass_on(&mut self) {
        let inline = &mut self.inline;
        let thread = self.thread.get_or_insert_with(|| HashingThread::start(std::mem::take(inline)));
        let next = thread.next_piece();
        thread.full.send(std::mem::replace(&mut self.piece, next)).expect(HASHING_ENDS_WELL);
    }
}

impl Hashes {
    fn take(&mut self, piece: &Piece) {
        let (mut taken, mut ended) = (0, Vec::new());
        for bound in &piece.bounds {
            self.update(&piece.bytes[taken..*bound]);
            ended.extend(self.bound());
            taken = *bound;
        }
        self.update(&piece.bytes[taken..]);
        if let Some(digests) = self.digests.as_ref().filter(|_| !ended.is_empty()) {
            // Who asked for them may have stopped listening.
            digests.send(ended).unwrap_or_default();
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match &mut self.part {
            None => self.whole.update(bytes),
            Some(part) => self.whole.update_both(part, bytes),
        }
    }

    /// The digest of the part that ends here, if none begins.
    fn bound(&mut self) -> Option<Digest> {
        let ended = self.part.take();
        if ended.is_none() {
            self.part = Some(Sha256::default());
        }
        ended.map(|part| Digest::from_bytes(part.finish()))
    }
}

const HASHING_ENDS_WELL: &str = "hashing does not panic, and ends when its input ends";

impl HashingThread {
    fn start(mut begun: Hashes) -> Self {
        let (full, to_hash) = sync_channel::<Piece>(PIECES);
        let (hashed, empty) = channel();
        let handle = std::thread::spawn(move || {
            for mut piece in to_hash {
                begun.take(&piece);
                piece.clear();
                // Nobody needs the piece again when the input has ended.
                drop(hashed.send(piece));
            }
            begun
        });
        Self { full, empty, handle, pieces_made: 1 }
    }

    /// A piece that has been hashed, or a new one as long as there are few.
    fn next_piece(&mut self) -> Piece {
        if self.pieces_made < PIECES {
            self.pieces_made += 1;
            return Piece { bytes: Vec::with_capacity(PIECE_BYTES), bounds: Vec::new() };
        }
        self.empty.recv().expect(HASHING_ENDS_WELL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Vec<u8> {
        (0..7_000_003_u32).map(|position| (position / 3).to_le_bytes()[0]).collect()
    }

    #[test]
    fn a_hasher_gives_the_same_digest_whatever_the_pieces() {
        let content = content();
        for piece in [content.len(), PIECE_BYTES, PIECE_BYTES - 1, 70_001] {
            let mut hasher = Hasher::default();
            content.chunks(piece).for_each(|bytes| hasher.update(bytes));
            assert_eq!(hasher.finish(), Digest::of(&content), "{piece}");
        }
    }

    #[test]
    fn parts_have_digests_of_their_own() {
        let content = content();
        let parts = [0..0, 512..513, 1024..1024, 4096..5_000_000, 5_000_001..6_000_000, 6_500_000..7_000_003];
        let mut hasher = Hasher::default();
        let digests = hasher.parts();
        let mut taken = 0;
        for part in &parts {
            for bound in [part.start, part.end] {
                hasher.update(&content[taken..bound]);
                hasher.bound();
                taken = bound;
            }
        }
        hasher.settle();
        hasher.update(&content[taken..]);
        assert_eq!(hasher.finish(), Digest::of(&content));
        let expected: Vec<_> = parts.map(|part| Digest::of(&content[part])).into();
        assert_eq!(digests.iter().flatten().collect::<Vec<_>>(), expected);
    }
}
