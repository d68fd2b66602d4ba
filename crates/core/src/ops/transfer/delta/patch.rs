//! The composition of a layer from local and fetched stretches; pure computation without I/O.

/// The stretches of a layer, in order and without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Patch {
    stretches: Vec<Stretch>,
    size: u64,
    kind: Ranges,
}

/// The ranges in which a layer is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ranges {
    /// A few that are requested one after the other.
    Large,
    /// Many that are requested several at a time.
    Small,
}

impl Ranges {
    /// The number of bytes that are transferred in the time that a request costs: 20 ms on a line of 200 Mbit/s,
    /// divided by the number of requests at a time.
    fn request_bytes(self) -> u64 {
        match self {
            Self::Large => REQUEST_BYTES,
            Self::Small => REQUEST_BYTES / AT_A_TIME as u64,
        }
    }

    /// The maximum number of ranges: if a request takes 100 ms, they take 13 s.
    fn most(self) -> usize {
        match self {
            Self::Large => MOST_RANGES,
            Self::Small => MOST_RANGES * AT_A_TIME,
        }
    }
}

/// Consecutive bytes of a layer that come from one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// The offset in the layer.
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) origin: Origin,
}

/// The source of the bytes of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A local older layer, from this offset.
    Older { layer: usize, offset: u64 },
    /// The bytes are all zero.
    Zeros,
    /// The bytes are fetched.
    Remote,
}

/// The cost of a request in bytes, if there is one at a time.
pub(super) const REQUEST_BYTES: u64 = 512 * 1024;
/// The number of small ranges that are requested at a time.
pub(super) const AT_A_TIME: usize = 8;
/// The maximum number of ranges that are requested one after the other.
const MOST_RANGES: usize = 128;
/// The factor by which reading local content is faster than fetching it.
const READING_GAIN: u64 = 10;

impl Stretch {
    pub(super) fn end(&self) -> u64 {
        self.offset + self.length
    }

    pub(super) fn is_remote(&self) -> bool {
        self.origin == Origin::Remote
    }

    /// Returns true if `next` starts where this one ends, both in the layer and in its source.
    fn continues_with(&self, next: &Self) -> bool {
        self.end() == next.offset
            && match (self.origin, next.origin) {
                (Origin::Older { layer, offset }, Origin::Older { layer: other, offset: at }) => {
                    layer == other && offset + self.length == at
                }
                (one, other) => one == other,
            }
    }

    /// The part of the stretch after `offset`.
    pub(super) fn behind(self, offset: u64) -> Self {
        let passed = offset.saturating_sub(self.offset).min(self.length);
        let origin = match self.origin {
            Origin::Older { layer, offset } => Origin::Older { layer, offset: offset + passed },
            origin => origin,
        };
        Self { offset: self.offset + passed, length: self.length - passed, origin }
    }
}

impl Patch {
    /// Creates the patch of a layer of `size` bytes, still without content.
    pub(super) fn new(size: u64, kind: Ranges) -> Self {
        Self { stretches: Vec::new(), size, kind }
    }

    /// Adds local content; must be called in order of offsets. Ignores content that overlaps with earlier content or
    /// exceeds the layer.
    pub(super) fn add(&mut self, offset: u64, length: u64, origin: Origin) {
        let reached = self.reached();
        let fits = offset >= reached && offset.checked_add(length).is_some_and(|end| end <= self.size);
        if length > 0 && fits {
            self.push(Stretch { offset: reached, length: offset - reached, origin: Origin::Remote });
            self.push(Stretch { offset, length, origin });
        }
    }

    /// Completes the patch: the rest is fetched. Local content between two ranges that is smaller than the cost of a
    /// request is fetched as well.
    pub(super) fn finish(mut self) -> Self {
        let reached = self.reached();
        self.push(Stretch { offset: reached, length: self.size - reached, origin: Origin::Remote });
        let mut gap = self.kind.request_bytes();
        self.fill_gaps(gap);
        while self.ranges() > self.kind.most() {
            gap *= 2;
            self.fill_gaps(gap);
        }
        self
    }

    /// Returns true if this is likely to be faster than fetching everything, provided that the server supports ranges.
    pub(super) fn is_quicker(&self) -> bool {
        let bytes = self.size - self.remote_bytes();
        bytes - bytes / READING_GAIN > (self.ranges() as u64 + 1) * self.kind.request_bytes()
    }

    /// The number of bytes to fetch.
    pub(super) fn remote_bytes(&self) -> u64 {
        self.stretches.iter().filter(|stretch| stretch.is_remote()).map(|stretch| stretch.length).sum()
    }

    /// The number of bytes that are transferred in the time that fetching takes.
    pub(super) fn cost(&self) -> u64 {
        self.remote_bytes() + self.ranges() as u64 * self.kind.request_bytes()
    }

    /// True if several ranges are requested at a time.
    pub(super) fn has_small_ranges(&self) -> bool {
        self.kind == Ranges::Small
    }

    /// The number of ranges to fetch.
    pub(super) fn ranges(&self) -> usize {
        self.stretches.iter().filter(|stretch| stretch.is_remote()).count()
    }

    /// The older layers that are used; may contain duplicates.
    pub(super) fn older_layers(&self) -> impl Iterator<Item = usize> + '_ {
        self.stretches.iter().filter_map(|stretch| match stretch.origin {
            Origin::Older { layer, .. } => Some(layer),
            _ => None,
        })
    }

    /// The stretches from `offset`; the first one begins at `offset`.
    pub(super) fn from(&self, offset: u64) -> impl Iterator<Item = Stretch> + '_ {
        let first = self.stretches.partition_point(|stretch| stretch.end() <= offset);
        self.stretches[first..].iter().map(move |stretch| stretch.behind(offset))
    }

    fn reached(&self) -> u64 {
        self.stretches.last().map_or(0, Stretch::end)
    }

    fn push(&mut self, stretch: Stretch) {
        match self.stretches.last_mut() {
            Some(last) if last.continues_with(&stretch) => last.length += stretch.length,
            _ if stretch.length > 0 => self.stretches.push(stretch),
            _ => {}
        }
    }

    /// Replaces local content of less than `gap` bytes between two ranges by fetched content.
    fn fill_gaps(&mut self, gap: u64) {
        let before = std::mem::take(&mut self.stretches);
        let mut runs = before.chunk_by(|one, other| one.is_remote() == other.is_remote()).peekable();
        while let Some(run) = runs.next() {
            let length: u64 = run.iter().map(|stretch| stretch.length).sum();
            let is_between = !self.stretches.is_empty() && runs.peek().is_some();
            if is_between && length < gap {
                self.push(Stretch { offset: run[0].offset, length, origin: Origin::Remote });
            } else {
                for stretch in run {
                    self.push(*stretch);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: u64 = REQUEST_BYTES;

    fn check(size: u64, here: &[(u64, u64, u64)], expected: &[(u64, u64, Option<u64>)]) {
        let mut patch = Patch::new(size, Ranges::Large);
        for (offset, length, at) in here {
            patch.add(*offset, *length, Origin::Older { layer: 0, offset: *at });
        }
        let shown = |stretch: Stretch| match stretch.origin {
            Origin::Older { offset, .. } => (stretch.offset, stretch.length, Some(offset)),
            _ => (stretch.offset, stretch.length, None),
        };
        assert_eq!(patch.finish().from(0).map(shown).collect::<Vec<_>>(), expected, "{here:?}");
    }

    #[test]
    fn content_that_is_not_local_is_fetched() {
        check(0, &[], &[]);
        check(10, &[], &[(0, 10, None)]);
        check(10, &[(0, 10, 7)], &[(0, 10, Some(7))]);
        check(10, &[(0, 5, 7)], &[(0, 5, Some(7)), (5, 5, None)]);
    }

    #[test]
    fn consecutive_bytes_from_one_source_are_one_stretch() {
        check(20, &[(0, 5, 100), (5, 15, 105)], &[(0, 20, Some(100))]);
        check(20, &[(0, 5, 100), (5, 15, 200)], &[(0, 5, Some(100)), (5, 15, Some(200))]);
    }

    #[test]
    fn content_that_overlaps_or_exceeds_the_layer_is_ignored() {
        check(20, &[(0, 8, 0), (4, 8, 50), (8, 12, 8)], &[(0, 20, Some(0))]);
        check(20, &[(0, 8, 0), (8, 13, 8), (u64::MAX, 2, 0)], &[(0, 8, Some(0)), (8, 12, None)]);
    }

    #[test]
    fn a_small_gap_between_two_ranges_is_fetched_with_them() {
        let at = 10;
        check(LARGE + 20, &[(at, LARGE, 0)], &[(0, 10, None), (at, LARGE, Some(0)), (LARGE + 10, 10, None)]);
        check(LARGE + 19, &[(at, LARGE - 1, 0)], &[(0, LARGE + 19, None)]);
        // At the beginning or the end of the layer it does not save a request.
        check(20, &[(0, 3, 50), (10, 10, 90)], &[(0, 3, Some(50)), (3, 7, None), (10, 10, Some(90))]);
    }

    #[test]
    fn the_number_of_ranges_is_limited() {
        let mut patch = Patch::new(10_000 * LARGE, Ranges::Large);
        for number in 0..5_000 {
            patch.add(2 * number * LARGE, LARGE + number, Origin::Zeros);
        }
        let patch = patch.finish();
        assert!(patch.ranges() <= MOST_RANGES, "{}", patch.ranges());
        assert_eq!(patch.from(0).map(|stretch| stretch.length).sum::<u64>(), 10_000 * LARGE);
    }

    #[test]
    fn local_content_is_used_only_if_it_saves_more_than_the_requests_cost() {
        let is_quicker = |runs: u64, length: u64| {
            let mut patch = Patch::new(2 * runs * length, Ranges::Large);
            (0..runs).for_each(|run| patch.add(2 * run * length, length, Origin::Zeros));
            patch.finish().is_quicker()
        };
        assert!(!is_quicker(1, 2 * LARGE));
        assert!(is_quicker(1, 3 * LARGE));
        assert!(!is_quicker(10, LARGE));
        assert!(is_quicker(10, 2 * LARGE));
    }

    #[test]
    fn a_patch_can_be_read_from_any_byte() {
        let mut patch = Patch::new(100, Ranges::Large);
        patch.add(0, 40, Origin::Older { layer: 1, offset: 500 });
        let from = |offset| patch.clone().finish().from(offset).collect::<Vec<_>>();
        let remote = |offset, length| Stretch { offset, length, origin: Origin::Remote };
        let older = Stretch { offset: 30, length: 10, origin: Origin::Older { layer: 1, offset: 530 } };
        assert_eq!(from(30), [older, remote(40, 60)]);
        assert_eq!(from(40), [remote(40, 60)]);
        assert_eq!(from(99), [remote(99, 1)]);
        assert_eq!(from(100), []);
    }
}
