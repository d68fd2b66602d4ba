//! The choice between writing a block past the page cache and through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::memory::cacheable_bytes;

/// The number of bytes after which the room in the page cache is measured again: other processes and other files of
/// this process fill it as well.
const MEASURED_EACH_BYTES: u64 = 64 * 1024 * 1024;

/// The lane of the blocks of one file.
///
/// Blocks go past the page cache until the caller has to wait for the disk once. From then on they go through the page
/// cache, except while that has no room: the system would then hold up the writer, which costs more than writing
/// directly.
pub(super) struct Lane {
    is_behind: Arc<AtomicBool>,
    /// The bytes that may go through the page cache before the room is measured again.
    room: u64,
    /// The bytes that have to be written directly before the room is measured again.
    direct: u64,
    measure: fn() -> u64,
}

impl Lane {
    /// `is_behind` is set by the caller when it has to wait.
    pub(super) fn new(is_behind: Arc<AtomicBool>) -> Self {
        Self { is_behind, room: 0, direct: 0, measure: cacheable_bytes }
    }

    /// Returns true if a block of `bytes` should go through the page cache, and counts it.
    pub(super) fn leads_to_cache(&mut self, bytes: u64) -> bool {
        if !self.is_behind.load(Ordering::Relaxed) {
            return false;
        }
        self.direct = self.direct.saturating_sub(bytes);
        if self.room < bytes && self.direct == 0 {
            let room = (self.measure)();
            if room >= MEASURED_EACH_BYTES {
                self.room = MEASURED_EACH_BYTES;
            } else {
                self.direct = MEASURED_EACH_BYTES;
            }
        }
        let fits = self.room >= bytes;
        self.room = self.room.saturating_sub(bytes);
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: u64 = 1024 * 1024;

    fn lane(is_behind: bool, measure: fn() -> u64) -> Lane {
        Lane { measure, ..Lane::new(Arc::new(AtomicBool::new(is_behind))) }
    }

    fn cached_of_128(lane: &mut Lane) -> usize {
        (0..128).filter(|_| lane.leads_to_cache(BLOCK)).count()
    }

    #[test]
    fn blocks_go_through_the_page_cache_only_when_the_disk_is_behind() {
        let mut lane = lane(false, || u64::MAX);
        assert_eq!(cached_of_128(&mut lane), 0);
        lane.is_behind.store(true, Ordering::Relaxed);
        assert_eq!(cached_of_128(&mut lane), 128);
    }

    #[test]
    fn a_full_page_cache_is_left_alone_until_it_has_room() {
        assert_eq!(cached_of_128(&mut lane(true, || 0)), 0);
        let mut lane = lane(true, || 0);
        assert_eq!((0..10).filter(|_| lane.leads_to_cache(BLOCK)).count(), 0);
        lane.measure = || MEASURED_EACH_BYTES;
        assert_eq!(cached_of_128(&mut lane), 128 - 54, "measured again after 64 blocks");
    }
}
