//! Content-defined cutting: finding cuts such that a change in one place does not move the cuts in another.

/// Finds the cuts in content that is passed to it in consecutive parts.
///
/// A cut can be after a line feed or a zero byte: the former occur in text and the latter in binary data, and both are
/// found quickly. The [`WINDOW`] bytes before a candidate decide if it becomes a cut, so that equal content is cut at
/// equal places, no matter what precedes it. Gear hashing, which processes every byte, would take half as long as
/// SHA-256.
#[derive(Debug)]
pub(super) struct ContentPoints {
    average: u64,
    /// The length of the current chunk so far, in bytes.
    length: u64,
    /// The last bytes that were passed.
    tail: [u8; WINDOW],
}

/// The number of bytes that decide about a cut: more than the bytes in which many lines of a table differ at their
/// ends.
const WINDOW: usize = 64;
/// The smallest average size of a chunk. If one percent is added to 10 MiB, fewer bytes than this are fetched
/// unnecessarily.
const SMALLEST: u64 = 32 * 1024;
/// The largest average size of a chunk.
const LARGEST: u64 = 4 * 1024 * 1024;
/// The approximate number of chunks of a file of a size in between: enough that fetching one more matters little, and
/// few enough for a small table.
const PIECES: u64 = 512;

/// The smallest average size of a part of a chunk.
const SMALLEST_PART: u64 = 32 * 1024;
/// The approximate number of parts of a large file. They take 0.2 MB in the table.
const PARTS: u64 = 16 * 1024;

impl ContentPoints {
    /// The cuts for a file of `size` bytes. Files of about the same size are cut with the same average.
    pub(super) fn for_size(size: u64) -> Self {
        Self::with_average(Self::average(size))
    }

    pub(super) fn with_average(average: u64) -> Self {
        Self { average, length: 0, tail: [0; WINDOW] }
    }

    /// The average size of a part of a chunk in a file of `size` bytes; `None` if chunks have no smaller parts.
    pub(super) fn average_part(size: u64) -> Option<u64> {
        let average = 1 << (size / PARTS).max(SMALLEST_PART).ilog2();
        (2 * average <= Self::average(size)).then_some(average)
    }

    /// The average size of a chunk in a file of `size` bytes.
    pub(super) fn average(size: u64) -> u64 {
        1 << (size / PIECES).clamp(SMALLEST, LARGEST).ilog2()
    }

    /// The number of the next `bytes` that complete the current chunk, after which the next chunk begins; `None` if all
    /// of them belong to the current chunk.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Option<usize> {
        let cut = self.find(bytes);
        let passed = &bytes[..cut.unwrap_or(bytes.len())];
        self.length = if cut.is_some() { 0 } else { self.length + passed.len() as u64 };
        self.tail = self.window(passed, passed.len());
        cut
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        let until = |length: u64| usize::try_from(length - self.length).map_or(bytes.len(), |at| at.min(bytes.len()));
        let (least, most) = (self.average / 2, self.average * 4);
        let begin = if self.length < least { until(least) } else { 0 };
        let found = memchr::memchr2_iter(b'\n', 0, &bytes[begin..until(most)]).map(|at| begin + at + 1);
        let mut cuts = found.filter(|at| self.is_cut(bytes, *at));
        cuts.next().or_else(|| (self.length + bytes.len() as u64 >= most).then(|| until(most)))
    }

    /// Decides if a candidate becomes a cut; the longer the chunk is, the more candidates do. Candidates are about a
    /// hundred bytes apart in numbers or short lines, and thousands of bytes in long lines.
    fn is_cut(&self, bytes: &[u8], at: usize) -> bool {
        let length = self.length + at as u64;
        let one_of = match length / self.average {
            0 => self.average / 256,
            1 => self.average / 8192,
            _ => 1,
        };
        mix(&self.window(bytes, at)).is_multiple_of(one_of)
    }

    /// The last bytes before `at`.
    fn window(&self, bytes: &[u8], at: usize) -> [u8; WINDOW] {
        match bytes[..at].last_chunk() {
            Some(window) => *window,
            None => std::array::from_fn(|index| match (index + at).checked_sub(WINDOW) {
                Some(index) => bytes[index],
                None => self.tail[index + at],
            }),
        }
    }
}

/// A number that changes with any change of `window`. It does not have to resist attacks: content that is made to be
/// cut badly is only fetched as a whole.
fn mix(window: &[u8; WINDOW]) -> u64 {
    // The golden ratio, as in Fibonacci hashing: the high bits of a product depend on all the bits below them.
    const RATIO: u64 = 0x9E37_79B9_7F4A_7C15;
    let (words, _) = window.as_chunks();
    let mixed = words
        .iter()
        .fold(0, |mixed: u64, word| (mixed ^ u64::from_le_bytes(*word)).wrapping_mul(RATIO).rotate_left(32));
    mixed.wrapping_mul(RATIO) >> 32
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn pieces(content: &[u8], stretch: usize) -> Vec<&[u8]> {
        let mut points = ContentPoints::for_size(content.len() as u64);
        let (mut pieces, mut begun, mut shown) = (Vec::new(), 0, 0);
        while shown < content.len() {
            let bytes = &content[shown..(shown + stretch).min(content.len())];
            match points.next(bytes) {
                Some(end) => {
                    shown += end;
                    pieces.push(&content[begun..shown]);
                    begun = shown;
                }
                None => shown += bytes.len(),
            }
        }
        pieces.push(&content[begun..]);
        pieces
    }

    fn random(bytes: usize, mut seed: u64) -> Vec<u8> {
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 56).to_le_bytes()[0]
        };
        std::iter::repeat_with(&mut next).take(bytes).collect()
    }

    fn lines(count: usize, width: usize) -> Vec<u8> {
        (0..count).flat_map(|line| format!("{line},{},{line}\n", "x".repeat(width)).into_bytes()).collect()
    }

    /// Checks that chunks have about the expected size, and that most of them are found again after an insertion.
    fn check(content: &[u8]) {
        let before = pieces(content, 70_000);
        let average = content.len() / before.len();
        assert!((12 * 1024..100 * 1024).contains(&average), "{average}");
        let changed = [&content[..1_000_000], b"something new\n", &content[1_000_000..]].concat();
        let known: HashSet<_> = before.into_iter().collect();
        let new: usize =
            pieces(&changed, 70_000).into_iter().filter(|piece| !known.contains(piece)).map(<[u8]>::len).sum();
        assert!(new < 300 * 1024, "{new} bytes of {} are new", content.len());
    }

    #[test]
    fn an_insertion_moves_few_cuts() {
        for content in [random(5_000_000, 1), lines(60_000, 70), lines(2_000, 2_500), vec![0; 4_000_000]] {
            check(&content);
        }
    }

    #[test]
    fn content_without_any_candidate_for_a_cut_is_still_cut() {
        let sizes: Vec<_> = pieces(&vec![7; 400_000], 1_000).into_iter().map(<[u8]>::len).collect();
        assert_eq!(sizes, [131_072, 131_072, 131_072, 6_784]);
    }

    proptest::proptest! {
        #[test]
        fn the_stretches_do_not_matter(seed: u64, stretch in 1_usize..200_000) {
            let content = random(300_000, seed);
            proptest::prop_assert_eq!(pieces(&content, stretch.max(30)), pieces(&content, content.len()));
        }
    }
}
