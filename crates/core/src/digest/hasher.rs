//! Computes digests while other code reads or writes the bytes.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use bytes::Bytes;

use super::name::Digest;
use super::sha256::Sha256;
use crate::blocks::BLOCK_BYTES;

/// A SHA-256 computation over a stream of bytes, and over parts of it.
///
/// Hashing is the slowest step of everything that moves large content (2 GB/s on one core), so everything after the
/// first MiB is hashed by a separate thread while the caller continues to read or write. If the system permits no more
/// threads, the caller hashes.
///
/// Parts of the stream, such as the files in a layer, can have digests of their own. If a part begins at a multiple of
/// 64 bytes, its digest costs almost nothing.
#[derive(Default)]
pub struct Hasher {
    inline: Hashes,
    piece: Piece,
    thread: Option<HashingThread>,
    /// The number of bytes that were added.
    position: u64,
    /// The positions at which parts begin or end, in order.
    planned: VecDeque<u64>,
}

/// Receives the digests of parts in the order in which the parts ended, several at once and with some delay. The
/// channel closes when the hasher is finished or dropped.
pub type PartDigests = Receiver<Vec<Digest>>;

/// Bytes that are to be hashed: either copies, or bytes that others read as well.
#[derive(Default)]
struct Piece {
    copied: Vec<u8>,
    shared: Bytes,
    /// The number of bytes before each beginning or end of a part.
    bounds: Vec<usize>,
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        if self.shared.is_empty() { &self.copied } else { &self.shared }
    }

    fn clear(&mut self) {
        self.copied.clear();
        // `clear` would keep the memory.
        self.shared = Bytes::new();
        self.bounds.clear();
    }
}

/// The computation over everything, and over the current part, if one has begun.
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

/// The number of bytes that are handed to the thread at once.
const PIECE_BYTES: usize = BLOCK_BYTES;
/// The maximum number of pieces in flight.
const PIECES: usize = 4;

impl Hasher {
    /// Returns the receiver of the digests of parts. Must be called before the first part begins.
    pub fn parts(&mut self) -> PartDigests {
        let (sender, receiver) = channel();
        self.inline.digests = Some(sender);
        receiver
    }

    /// Begins a part with the next byte, or ends the current one.
    pub fn bound(&mut self) {
        self.piece.bounds.push(self.piece.copied.len());
    }

    /// Begins or ends a part at each of `positions`, which must be in order and not before the bytes that were added.
    pub fn plan_bounds(&mut self, positions: impl IntoIterator<Item = u64>) {
        self.planned.extend(positions);
    }

    /// Adds the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while let Some(planned) = self.planned.front() {
            let distance = usize::try_from(planned.saturating_sub(self.position)).unwrap_or(usize::MAX);
            let Some((now, later)) = bytes.split_at_checked(distance) else { break };
            self.add(now);
            self.bound();
            self.planned.pop_front();
            bytes = later;
        }
        self.add(bytes);
    }

    /// Adds the next bytes like [`update`](Self::update), without a copy if there are many.
    pub fn update_shared(&mut self, bytes: &Bytes) {
        if self.thread.is_none() && bytes.len() < PIECE_BYTES {
            return self.update(bytes);
        }
        if !self.piece.copied.is_empty() {
            self.pass_on();
        }
        let (begin, end) = (self.position, self.position + bytes.len() as u64);
        let ended = self.planned.partition_point(|planned| *planned <= end);
        let offset = |planned: u64| usize::try_from(planned.saturating_sub(begin)).unwrap_or_default();
        self.piece.bounds.extend(self.planned.drain(..ended).map(offset));
        self.piece.shared = bytes.clone();
        self.position = end;
        self.pass_on();
    }

    fn add(&mut self, mut bytes: &[u8]) {
        self.position += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE_BYTES - self.piece.copied.len()));
            self.piece.copied.extend_from_slice(now);
            bytes = later;
            if self.piece.copied.len() == PIECE_BYTES {
                self.pass_on();
            }
        }
    }

    /// Hashes the bytes that are still buffered, so that the digests of all ended parts are delivered.
    pub fn settle(&mut self) {
        let ended = self.planned.partition_point(|planned| *planned <= self.position);
        self.planned.drain(..ended).for_each(|_| self.piece.bounds.push(self.piece.copied.len()));
        if self.thread.is_some() { self.pass_on() } else { self.hash_inline() }
    }

    /// Returns the digest of all bytes.
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
        if self.thread.is_none() {
            self.thread = HashingThread::start(&mut self.inline);
        }
        let Some(thread) = &mut self.thread else { return self.hash_inline() };
        let next = thread.next_piece();
        thread.full.send(std::mem::replace(&mut self.piece, next)).expect(HASHING_ENDS_WELL);
    }

    fn hash_inline(&mut self) {
        self.inline.take(&self.piece);
        self.piece.clear();
    }
}

impl Hashes {
    fn take(&mut self, piece: &Piece) {
        let (mut taken, mut ended) = (0, Vec::new());
        for bound in &piece.bounds {
            self.update(&piece.bytes()[taken..*bound]);
            ended.extend(self.bound());
            taken = *bound;
        }
        self.update(&piece.bytes()[taken..]);
        if let Some(digests) = self.digests.as_ref().filter(|_| !ended.is_empty()) {
            // The receiver may have been dropped.
            digests.send(ended).unwrap_or_default();
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match &mut self.part {
            None => self.whole.update(bytes),
            Some(part) => self.whole.update_both(part, bytes),
        }
    }

    /// Ends the current part and returns its digest, or begins a part if there is none.
    fn bound(&mut self) -> Option<Digest> {
        let ended = self.part.take();
        if ended.is_none() {
            self.part = Some(Sha256::default());
        }
        ended.map(|part| Digest::from_bytes(part.finish()))
    }
}

const HASHING_ENDS_WELL: &str = "the hashing thread does not panic and ends when its input ends";

impl HashingThread {
    /// Starts a thread that continues `begun`. Returns none, and leaves it as it is, if the system permits no more
    /// threads.
    fn start(begun: &mut Hashes) -> Option<Self> {
        let (full, to_hash) = sync_channel::<Piece>(PIECES);
        let (hashed, empty) = channel();
        // A thread that cannot be started drops what it has been given.
        let (hand_over, handed_over) = sync_channel::<Hashes>(1);
        let started = std::thread::Builder::new().spawn(move || {
            let mut begun = handed_over.recv().unwrap_or_default();
            for mut piece in to_hash {
                begun.take(&piece);
                piece.clear();
                // The piece is not needed again when the input has ended.
                drop(hashed.send(piece));
            }
            begun
        });
        let handle = started.ok()?;
        hand_over.send(std::mem::take(begun)).expect(HASHING_ENDS_WELL);
        Some(Self { full, empty, handle, pieces_made: 1 })
    }

    /// Returns a piece that has been hashed, or a new one until there are [`PIECES`].
    fn next_piece(&mut self) -> Piece {
        if self.pieces_made < PIECES {
            self.pieces_made += 1;
            return Piece::default();
        }
        self.empty.recv().expect(HASHING_ENDS_WELL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::Blocks;

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
    fn shared_bytes_give_the_same_digests_as_copied_ones() {
        let content = Bytes::from(content());
        for step in [PIECE_BYTES, 300_001, 2 * PIECE_BYTES + 7] {
            let mut hasher = Hasher::default();
            let digests = hasher.parts();
            hasher.plan_bounds([512, 512, 600, 2_000_128, 2_999_936, 7_000_003]);
            hasher.update(&content[..600]);
            let mut taken = 600;
            while taken < content.len() {
                let end = (taken + step).min(content.len());
                hasher.update_shared(&content.slice(taken..end));
                taken = end;
            }
            assert_eq!(hasher.finish(), Digest::of(&content), "{step}");
            let expected = [512..512, 600..2_000_128, 2_999_936..7_000_003].map(|part| Digest::of(&content[part]));
            assert_eq!(digests.iter().flatten().collect::<Vec<_>>(), expected, "{step}");
        }
    }

    #[test]
    fn hashed_blocks_return_to_their_supply() {
        let (mut blocks, mut hasher, content) = (Blocks::new(1), Hasher::default(), content());
        for bytes in content.chunks(BLOCK_BYTES) {
            // Waits forever if the hasher keeps a block.
            let mut block = blocks.empty_block();
            block.take(bytes);
            hasher.update_shared(&block.share());
        }
        assert_eq!(hasher.finish(), Digest::of(&content));
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

    #[test]
    fn parts_can_be_planned() {
        let content: Vec<u8> = (0..3_000_000_u32).map(|number| (number / 11).to_le_bytes()[0]).collect();
        for step in [1000, 70_000, 5_000_000] {
            let mut hasher = Hasher::default();
            let digests = hasher.parts();
            hasher.plan_bounds([0, 512, 512, 2_000_128, 2_999_936, 3_000_000]);
            content.chunks(step).for_each(|bytes| hasher.update(bytes));
            assert_eq!(hasher.finish(), Digest::of(&content));
            let expected = [0..512, 512..2_000_128, 2_999_936..3_000_000].map(|part| Digest::of(&content[part]));
            assert_eq!(digests.iter().flatten().collect::<Vec<_>>(), expected, "{step}");
        }
    }
}
