//! The choice between writing a block past the page cache and through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::memory::cacheable_bytes;

/// The number of bytes after which the space in the page cache is measured again: other processes and other files of
/// this process fill it as well.
const STEP: u64 = 64 * 1024 * 1024;

/// The number of bytes that go through the page cache before a slow disk is tried again, the first time. Such a try
/// waits behind everything that the system is writing to the disk.
const FIRST: u64 = 32 * STEP;

/// The speed above which blocks always go to the disk: on virtual machines, the page cache takes new pages hardly
/// faster.
const QUICK_BYTES_PER_SECOND: u64 = 400_000_000;

/// The number of bytes over which the speed of the disk is measured.
const MEASURED_BYTES: u64 = 8 * 1024 * 1024;

/// The lane of the blocks of one file.
///
/// Blocks go past the page cache until the caller has to wait for a slow disk. The following blocks then go through the
/// page cache, first 2 GiB and twice as many each time, before the disk is tried again: it may only have been busy for
/// a moment, and copying costs the processor more. While the page cache has no space, blocks go past it in any case:
/// the system would hold up the writer.
pub(super) struct Lane {
    /// Set by the caller when it has to wait.
    is_behind: Arc<AtomicBool>,
    /// The bytes that still go through the page cache before the disk is tried again.
    left: u64,
    /// The value of `left` for the next time.
    next: u64,
    /// The bytes for which the page cache certainly has space.
    space: u64,
    /// The bytes that go past the page cache, which has no space, before it is measured again.
    past: u64,
    /// The bytes that went past the page cache since the disk was tried again.
    kept_up: u64,
    /// True if the disk was slow the last time that it was measured.
    is_slow: bool,
    /// The bytes of the current measurement, and the time that the disk took for them.
    written: (u64, Duration),
    measure: fn() -> u64,
}

impl Lane {
    /// `is_behind` is set by the caller when it has to wait.
    pub(super) fn new(is_behind: Arc<AtomicBool>) -> Self {
        let written = (0, Duration::ZERO);
        let measure = cacheable_bytes;
        Self { is_behind, left: 0, next: FIRST, space: 0, past: 0, kept_up: 0, is_slow: false, written, measure }
    }

    /// Records that the disk took `time` to write a block of `bytes`.
    pub(super) fn note_direct(&mut self, bytes: u64, time: Duration) {
        self.written = (self.written.0 + bytes, self.written.1 + time);
        let (bytes, time) = self.written;
        if bytes >= MEASURED_BYTES {
            self.is_slow = time.as_nanos() * u128::from(QUICK_BYTES_PER_SECOND) > u128::from(bytes) * 1_000_000_000;
            self.written = (0, Duration::ZERO);
        }
    }

    /// Returns true if a block of `bytes` should go through the page cache, and counts it.
    pub(super) fn leads_to_cache(&mut self, bytes: u64) -> bool {
        if !self.is_slow || !self.is_behind.load(Ordering::Relaxed) {
            self.kept_up += bytes;
            if self.kept_up >= STEP {
                self.next = FIRST;
            }
            return false;
        }
        if self.left == 0 {
            (self.left, self.next) = (self.next, self.next.saturating_mul(2));
        }
        if !self.has_space(bytes) {
            return false;
        }
        self.left = self.left.saturating_sub(bytes);
        if self.left == 0 {
            self.kept_up = 0;
            self.is_behind.store(false, Ordering::Relaxed);
        }
        true
    }

    /// Takes `bytes` of the page cache, if it has space for them.
    fn has_space(&mut self, bytes: u64) -> bool {
        if self.space < bytes && self.past == 0 {
            let is_enough = (self.measure)() >= STEP;
            (self.space, self.past) = if is_enough { (STEP, 0) } else { (0, STEP) };
        }
        let fits = self.space >= bytes;
        self.space = self.space.saturating_sub(bytes);
        self.past = self.past.saturating_sub(bytes);
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: u64 = 1024 * 1024;

    fn lane(measure: fn() -> u64) -> Lane {
        Lane { measure, is_slow: true, ..Lane::new(Arc::new(AtomicBool::new(true))) }
    }

    fn cached_of(blocks: usize, lane: &mut Lane) -> usize {
        (0..blocks).filter(|_| lane.leads_to_cache(BLOCK)).count()
    }

    #[test]
    fn the_disk_is_tried_again_after_twice_as_many_blocks_each_time() {
        let mut lane = lane(|| u64::MAX);
        for expected in [2048, 4096, 8192] {
            lane.is_behind.store(true, Ordering::Relaxed);
            assert_eq!(cached_of(expected + 10, &mut lane), expected);
        }
        assert_eq!(cached_of(64, &mut lane), 0, "the disk keeps up");
        lane.is_behind.store(true, Ordering::Relaxed);
        assert_eq!(cached_of(2100, &mut lane), 2048);
    }

    #[test]
    fn only_a_slow_disk_is_spared() {
        let mut lane = Lane { measure: || u64::MAX, ..Lane::new(Arc::new(AtomicBool::new(true))) };
        for (milliseconds, expected) in [(1, 0), (20, 64), (1, 0)] {
            (0..8).for_each(|_| lane.note_direct(BLOCK, Duration::from_millis(milliseconds)));
            lane.is_behind.store(true, Ordering::Relaxed);
            assert_eq!(cached_of(64, &mut lane), expected, "{milliseconds} ms for 1 MiB");
        }
    }

    #[test]
    fn a_full_page_cache_is_left_alone_until_it_has_space() {
        assert_eq!(cached_of(128, &mut lane(|| 0)), 0);
        let mut lane = lane(|| 0);
        assert_eq!(cached_of(10, &mut lane), 0);
        lane.measure = || STEP;
        assert_eq!(cached_of(54, &mut lane), 0, "measured again after 64 blocks");
        assert_eq!(cached_of(1, &mut lane), 1);
    }
}
