//! Detects when compression is hardly worth its time.

use super::block::Block;

/// The number of input bytes after which the decision is made.
const JUDGED_AFTER: u64 = 64 * 1024 * 1024;
/// Streams that are smaller than this are not reported: they take little time either way.
const JUDGED_FROM: u64 = 8 * 1024 * 1024;

/// Counts input and output, and reports at most once that too little is saved.
pub(super) struct Gain<'a> {
    taken: u64,
    given: u64,
    /// None after the decision.
    report: Option<Box<dyn FnOnce() + Send + 'a>>,
}

impl<'a> Gain<'a> {
    /// Calls `report` if less than 3 % are saved.
    pub(super) fn new(report: impl FnOnce() + Send + 'a) -> Self {
        Self { taken: 0, given: 0, report: Some(Box::new(report)) }
    }

    /// Records a compressed block.
    pub(super) fn count(&mut self, block: &Block) {
        self.taken += block.content().len() as u64;
        self.given += block.compressed().len() as u64;
        if self.taken >= JUDGED_AFTER {
            self.judge();
        }
    }

    /// Makes the decision for a stream that ended before [`JUDGED_AFTER`].
    pub(super) fn finish(mut self) {
        if self.taken >= JUDGED_FROM {
            self.judge();
        }
    }

    fn judge(&mut self) {
        let saves_little = self.given > self.taken / 100 * 97;
        if let Some(report) = self.report.take().filter(|_| saves_little) {
            report();
        }
    }
}
