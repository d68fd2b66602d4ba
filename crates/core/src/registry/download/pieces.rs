//! The state of the pieces of one blob: those being downloaded, the progress of each, and the next bytes for the
//! reader.
//!
//! It does no network access. The caller passes the time.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;

/// The time before the speed of a connection is judged.
const JUDGED_AFTER: Duration = Duration::from_secs(1);
/// The remaining time below which a new connection is not worthwhile.
const WORTH_SECONDS: f64 = 0.5;
/// The factor below the usual speed at which a connection is far slower.
const FAR_SLOWER: f64 = 4.0;
/// The number of times that a piece moves to a new connection because the old one is slow. If all are slow, moving
/// does not help.
const MOVES_LIMIT: u32 = 2;

/// The assignment of a piece to a connection. It becomes void when the piece is assigned to another connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ticket {
    piece: u64,
    moves: u32,
}

/// Adjacent pieces, from the next byte for the reader to the last byte that was assigned to a connection.
pub(super) struct Pieces {
    queue: VecDeque<Piece>,
    /// The first byte that the reader has not received.
    delivered: u64,
    /// The first byte that is not in a piece yet.
    unassigned: u64,
    end: u64,
    piece_bytes: u64,
    last_number: u64,
    /// The recent throughput of a connection, in bytes per second.
    usual_rate: Option<f64>,
}

struct Piece {
    number: u64,
    moves: u32,
    /// The first byte that has not been downloaded.
    reached: u64,
    end: u64,
    chunks: VecDeque<Bytes>,
    /// The start of the current connection: its time and its first byte.
    begun: (Instant, u64),
}

/// A measure to speed up the slowest piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Relief {
    /// The piece continues at the byte that it reached, with a new ticket; the old one is void.
    Moved { old: Ticket, new: Ticket },
    /// The second half of the piece is a new piece now.
    Halved(Ticket),
}

impl Pieces {
    pub(super) fn new(offset: u64, end: u64, piece_bytes: u64) -> Self {
        let (delivered, unassigned) = (offset, offset);
        Self { queue: VecDeque::new(), delivered, unassigned, end, piece_bytes, last_number: 0, usual_rate: None }
    }

    /// Starts the next piece, unless it would be further ahead of the reader than one piece for each connection.
    pub(super) fn begin(&mut self, connections: usize, now: Instant) -> Option<Ticket> {
        let range = self.unassigned..self.end.min(self.unassigned + self.piece_bytes);
        let window = self.piece_bytes * connections as u64;
        if range.is_empty() || range.end - self.delivered > window {
            return None;
        }
        self.unassigned = range.end;
        let piece = self.new_piece(range, now);
        let ticket = piece.ticket();
        self.queue.push_back(piece);
        Some(ticket)
    }

    /// The range that the holder of `ticket` still has to download; `None` if the piece is complete or the ticket is
    /// void.
    pub(super) fn missing(&self, ticket: Ticket) -> Option<Range<u64>> {
        let piece = self.queue.iter().find(|piece| piece.ticket() == ticket)?;
        (!piece.is_complete()).then_some(piece.reached..piece.end)
    }

    /// Stores downloaded bytes, and returns the number of those that were wanted.
    pub(super) fn arrived(&mut self, ticket: Ticket, mut bytes: Bytes, now: Instant) -> u64 {
        let Some(piece) = self.queue.iter_mut().find(|piece| piece.ticket() == ticket) else { return 0 };
        bytes.truncate(usize::try_from(piece.end - piece.reached).unwrap_or(usize::MAX));
        let wanted = bytes.len() as u64;
        if wanted == 0 {
            return 0;
        }
        piece.reached += wanted;
        piece.chunks.push_back(bytes);
        if piece.is_complete() {
            let rate = piece.rate(now);
            self.usual_rate = Some(self.usual_rate.map_or(rate, |usual| usual.mul_add(0.75, rate * 0.25)));
        }
        wanted
    }

    /// Returns the next bytes for the reader, if they were downloaded.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let front = self.queue.front_mut()?;
        let bytes = front.chunks.pop_front()?;
        self.delivered += bytes.len() as u64;
        if front.is_complete() && front.chunks.is_empty() {
            self.queue.pop_front();
        }
        Some(bytes)
    }

    pub(super) fn are_delivered(&self) -> bool {
        self.delivered == self.end
    }

    /// Moves a piece that is far slower than others were to a new connection.
    pub(super) fn move_slowest(&mut self, now: Instant) -> Option<Relief> {
        let usual = self.usual_rate?;
        let piece = self.slowest(now)?;
        if piece.rate(now) * FAR_SLOWER > usual || piece.moves == MOVES_LIMIT {
            return None;
        }
        let old = piece.ticket();
        piece.moves += 1;
        piece.begun = (now, piece.reached);
        Some(Relief::Moved { old, new: piece.ticket() })
    }

    /// Assigns half of the missing range of the slowest piece to another connection.
    pub(super) fn halve_slowest(&mut self, now: Instant) -> Option<Relief> {
        let smallest = self.piece_bytes / 8;
        let piece = self.slowest(now)?;
        let missing = piece.end - piece.reached;
        if missing < smallest.max(2) {
            return None;
        }
        let (number, middle, end) = (piece.number, piece.reached + missing / 2, piece.end);
        piece.end = middle;
        let half = self.new_piece(middle..end, now);
        let ticket = half.ticket();
        let place = self.queue.iter().position(|piece| piece.number == number)? + 1;
        self.queue.insert(place, half);
        Some(Relief::Halved(ticket))
    }

    /// The piece that will take the longest, if that is longer than [`WORTH_SECONDS`].
    fn slowest(&mut self, now: Instant) -> Option<&mut Piece> {
        let is_judged = |piece: &&mut Piece| now.saturating_duration_since(piece.begun.0) >= JUDGED_AFTER;
        let running = self.queue.iter_mut().filter(|piece| !piece.is_complete());
        let slowest = running.filter(is_judged).max_by(|a, b| a.seconds_left(now).total_cmp(&b.seconds_left(now)))?;
        (slowest.seconds_left(now) > WORTH_SECONDS).then_some(slowest)
    }

    fn new_piece(&mut self, range: Range<u64>, now: Instant) -> Piece {
        self.last_number += 1;
        Piece {
            number: self.last_number,
            moves: 0,
            reached: range.start,
            end: range.end,
            chunks: VecDeque::new(),
            begun: (now, range.start),
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "rates need not be exact")]
impl Piece {
    fn ticket(&self) -> Ticket {
        Ticket { piece: self.number, moves: self.moves }
    }

    fn is_complete(&self) -> bool {
        self.reached == self.end
    }

    /// The throughput of the current connection in bytes per second.
    fn rate(&self, now: Instant) -> f64 {
        let (begun, from) = self.begun;
        (self.reached - from) as f64 / now.saturating_duration_since(begun).as_secs_f64().max(1e-6)
    }

    fn seconds_left(&self, now: Instant) -> f64 {
        (self.end - self.reached) as f64 / self.rate(now).max(1e-6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bring(pieces: &mut Pieces, ticket: Ticket, count: usize, now: Instant) -> u64 {
        pieces.arrived(ticket, vec![0; count].into(), now)
    }

    #[test]
    fn the_window_is_one_piece_for_each_connection() {
        let now = Instant::now();
        let mut pieces = Pieces::new(5, 100, 10);
        let (first, second) = (pieces.begin(2, now).unwrap(), pieces.begin(2, now).unwrap());
        assert_eq!((pieces.missing(first), pieces.missing(second)), (Some(5..15), Some(15..25)));
        assert_eq!(pieces.begin(2, now), None);
        // The window moves only when the reader takes bytes, and only in order.
        assert_eq!(bring(&mut pieces, second, 10, now), 10);
        assert_eq!((pieces.take(), pieces.begin(2, now)), (None, None));
        assert_eq!(bring(&mut pieces, first, 99, now), 10);
        assert_eq!(pieces.take().unwrap().len(), 10);
        let third = pieces.begin(2, now).unwrap();
        assert_eq!((pieces.missing(third), pieces.missing(first)), (Some(25..35), None));
    }

    #[test]
    fn a_piece_far_slower_than_usual_moves_and_its_old_ticket_is_void() {
        let start = Instant::now();
        let now = start + Duration::from_secs(2);
        let mut pieces = Pieces::new(0, 2000, 1000);
        let (slow, quick) = (pieces.begin(2, start).unwrap(), pieces.begin(2, start).unwrap());
        bring(&mut pieces, slow, 100, start);
        assert_eq!(pieces.move_slowest(now), None, "the usual rate is not known");
        bring(&mut pieces, quick, 1000, start + Duration::from_secs(1));
        let Some(Relief::Moved { old, new }) = pieces.move_slowest(now) else { panic!("it moves") };
        assert_eq!((old, pieces.missing(slow), pieces.missing(new)), (slow, None, Some(100..1000)));
        assert_eq!(bring(&mut pieces, slow, 5, now), 0);
        assert_eq!(pieces.move_slowest(now), None, "the new connection has not been judged");
        assert!(pieces.move_slowest(now + Duration::from_secs(1)).is_some());
        assert_eq!(pieces.move_slowest(now + Duration::from_secs(9)), None, "twice is enough");
    }

    #[test]
    fn half_of_the_slowest_remainder_becomes_a_piece() {
        let start = Instant::now();
        let now = start + Duration::from_secs(2);
        let mut pieces = Pieces::new(0, 2000, 1000);
        let (slow, other) = (pieces.begin(2, start).unwrap(), pieces.begin(2, start).unwrap());
        bring(&mut pieces, slow, 500, start);
        bring(&mut pieces, other, 900, start);
        let Some(Relief::Halved(half)) = pieces.halve_slowest(now) else { panic!("it is halved") };
        assert_eq!((pieces.missing(slow), pieces.missing(half)), (Some(500..750), Some(750..1000)));
        for (ticket, count) in [(half, 250), (slow, 250), (other, 100)] {
            bring(&mut pieces, ticket, count, now);
        }
        let sizes: Vec<_> = std::iter::from_fn(|| pieces.take()).map(|bytes| bytes.len()).collect();
        assert_eq!((sizes, pieces.are_delivered()), (vec![500, 250, 250, 900, 100], true));
    }
}
