//! The parts of a chunk: finer cuts of large files, with which scattered changes are located.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::points::ContentPoints;

/// The parts that a chunk consists of, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// For each part three bytes of its size and eight bytes of its hash, little-endian.
    bytes: Vec<u8>,
}

/// A part of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part {
    /// The size in bytes.
    pub size: u32,
    /// The hash of its bytes, which is not safe against forgery: parts are only used for content that is verified with
    /// another digest. A wrong part costs the time to fetch everything.
    pub hash: u64,
}

const SIZE_BYTES: usize = 3;
const PART_BYTES: usize = SIZE_BYTES + 8;

impl Parts {
    /// The parts in order.
    pub fn iter(&self) -> impl Iterator<Item = Part> + '_ {
        let (parts, _) = self.bytes.as_chunks::<PART_BYTES>();
        parts.iter().map(|&[a, b, c, ref hash @ ..]| Part {
            size: u32::from_le_bytes([a, b, c, 0]),
            hash: u64::from_le_bytes(*hash),
        })
    }

    /// The number of parts.
    pub fn count(&self) -> usize {
        self.bytes.len() / PART_BYTES
    }
}

impl Serialize for Parts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(&self.bytes))
    }
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text.as_bytes()).map_err(serde::de::Error::custom)?;
        if bytes.len().is_multiple_of(PART_BYTES) {
            Ok(Self { bytes })
        } else {
            Err(serde::de::Error::custom("not the parts of a chunk"))
        }
    }
}

/// Cuts chunks into parts.
#[derive(Debug)]
pub(super) struct PartCutter {
    average: u64,
    points: ContentPoints,
    hasher: PartHasher,
    /// The parts of the current chunk.
    bytes: Vec<u8>,
}

impl PartCutter {
    /// A cutter for a file of `size` bytes; `None` if its chunks are small.
    pub(super) fn for_size(size: u64) -> Option<Self> {
        let average = ContentPoints::average_part(size)?;
        let points = ContentPoints::with_average(average);
        Some(Self { average, points, hasher: PartHasher::default(), bytes: Vec::new() })
    }

    /// Receives the next bytes of the chunk.
    pub(super) fn take(&mut self, mut bytes: &[u8]) {
        while let Some(size) = self.points.next(bytes) {
            let (ending, rest) = bytes.split_at(size);
            self.hasher.update(ending);
            self.end_part();
            bytes = rest;
        }
        self.hasher.update(bytes);
    }

    /// Ends the chunk, and returns its parts if it has several.
    pub(super) fn end_piece(&mut self) -> Option<Box<Parts>> {
        if self.hasher.length > 0 {
            self.end_part();
        }
        self.points = ContentPoints::with_average(self.average);
        let bytes = std::mem::take(&mut self.bytes);
        (bytes.len() > PART_BYTES).then(|| Box::new(Parts { bytes }))
    }

    fn end_part(&mut self) {
        let hasher = std::mem::take(&mut self.hasher);
        self.bytes.extend_from_slice(&hasher.length.to_le_bytes()[..SIZE_BYTES]);
        self.bytes.extend_from_slice(&hasher.finish().to_le_bytes());
    }
}

/// A fast hash of 64 bits: four sums of products, each of every fourth pair of words, so that the processor computes
/// them at the same time.
#[derive(Debug)]
struct PartHasher {
    lanes: [u64; LANES],
    length: u64,
    /// The bytes after the last complete block, and their number.
    rest: [u8; BLOCK],
    filled: usize,
}

const LANES: usize = 4;
const BLOCK: usize = 16 * LANES;

impl Default for PartHasher {
    fn default() -> Self {
        Self { lanes: [0; LANES], length: 0, rest: [0; BLOCK], filled: 0 }
    }
}

impl PartHasher {
    fn update(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if self.filled > 0 {
            let (begin, rest) = bytes.split_at(bytes.len().min(BLOCK - self.filled));
            self.rest[self.filled..self.filled + begin.len()].copy_from_slice(begin);
            self.filled += begin.len();
            if self.filled < BLOCK {
                return;
            }
            self.lanes = add(self.lanes, &self.rest);
            bytes = rest;
        }
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        self.lanes = blocks.iter().fold(self.lanes, add);
        self.rest[..rest.len()].copy_from_slice(rest);
        self.filled = rest.len();
    }

    fn finish(mut self) -> u64 {
        self.rest[self.filled..].fill(0);
        let lanes = add(self.lanes, &self.rest);
        lanes.into_iter().fold(self.length, |sum, lane| step(sum, lane, self.length))
    }
}

fn add(mut lanes: [u64; LANES], block: &[u8; BLOCK]) -> [u64; LANES] {
    let (pairs, _) = block.as_chunks::<16>();
    for (lane, pair) in lanes.iter_mut().zip(pairs) {
        let pair = u128::from_le_bytes(*pair);
        let [low, high] = halves(pair);
        *lane = step(*lane, low, high);
    }
    lanes
}

/// Mixes two words into a sum: one multiplication, of whose product the upper half, in which every bit counts, is
/// folded into the lower half.
fn step(sum: u64, first: u64, second: u64) -> u64 {
    // The golden ratio and the fraction of pi: without them, a zero would hide the other word.
    let product = u128::from(sum ^ first ^ 0x9E37_79B9_7F4A_7C15) * u128::from(second ^ 0x243F_6A88_85A3_08D3);
    let [low, high] = halves(product);
    low ^ high
}

/// The lower and the upper half.
fn halves(number: u128) -> [u64; 2] {
    let bytes = number.to_le_bytes();
    let (words, _) = bytes.as_chunks();
    let mut halves = [0; 2];
    halves.iter_mut().zip(words).for_each(|(half, word)| *half = u64::from_le_bytes(*word));
    halves
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::contents::{Cutter, Piece};

    const SIZE: u64 = 64 * 1024 * 1024;

    fn random(bytes: usize) -> Vec<u8> {
        let mut state: u64 = 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56).to_le_bytes()[0]
        };
        std::iter::repeat_with(&mut next).take(bytes).collect()
    }

    /// Cuts `content` as the beginning of a file of [`SIZE`] bytes, passed in stretches.
    fn pieces(content: &[u8], stretch: usize) -> Vec<Piece> {
        let mut cutter = Cutter::like("data.bin", content.len() as u64, SIZE).with_parts(SIZE);
        content.chunks(stretch).for_each(|bytes| cutter.take(bytes));
        cutter.finish()
    }

    fn parts(pieces: &[Piece]) -> HashSet<Part> {
        pieces.iter().flat_map(|piece| piece.parts.iter().flat_map(|parts| parts.iter())).collect()
    }

    #[test]
    fn parts_make_up_their_chunk_and_do_not_change_it() {
        let content = random(2_000_000);
        let cut = pieces(&content, 70_001);
        assert_eq!(cut, pieces(&content, content.len()));
        assert!(parts(&cut).len() > 20);
        for piece in &cut {
            let sizes: u64 = piece.parts.iter().flat_map(|parts| parts.iter()).map(|part| u64::from(part.size)).sum();
            assert_eq!(sizes, if piece.parts.is_some() { piece.size } else { 0 });
        }
        let mut plain = Cutter::like("data.bin", content.len() as u64, SIZE);
        plain.take(&content);
        let chunks = |pieces: &[Piece]| pieces.iter().map(|piece| (piece.size, piece.digest)).collect::<Vec<_>>();
        assert_eq!(chunks(&plain.finish()), chunks(&cut));
    }

    #[test]
    fn a_changed_byte_changes_few_parts() {
        let mut content = random(2_000_000);
        let before = parts(&pieces(&content, 100_000));
        content[1_234_567] ^= 1;
        let new = parts(&pieces(&content, 100_000)).difference(&before).map(|part| part.size).sum::<u32>();
        assert!((1..200_000).contains(&new), "{new}");
    }

    #[test]
    fn parts_survive_the_table() {
        let pieces = pieces(&random(1_000_000), 100_000);
        let text = serde_json::to_string(&pieces).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Piece>>(&text).unwrap(), pieces);
        for wrong in ["\"AA\"", "\"%\"", "7"] {
            assert!(serde_json::from_str::<Parts>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn any_difference_changes_the_hash() {
        let hash = |bytes: &[u8]| {
            let mut hasher = PartHasher::default();
            bytes.chunks(7).for_each(|bytes| hasher.update(bytes));
            hasher.finish()
        };
        let (zeros, content) = (vec![0; 200], random(200));
        let mut seen: HashSet<u64> = (0..200).map(|length| hash(&zeros[..length])).collect();
        for (place, bit) in (0..200).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
            let mut changed = content.clone();
            changed[place] ^= 1 << bit;
            seen.insert(hash(&changed));
        }
        assert_eq!(seen.len(), 200 + 200 * 8);
    }

    #[test]
    fn only_large_files_have_parts() {
        assert!(PartCutter::for_size(31 << 20).is_none());
        assert_eq!(PartCutter::for_size(512 << 20).map(|cutter| cutter.average), Some(32 * 1024));
        assert_eq!(PartCutter::for_size(4 << 30).map(|cutter| cutter.average), Some(256 * 1024));
        assert!(PartCutter::for_size(64 << 30).is_none());
    }
}
