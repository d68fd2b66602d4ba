//! Notices when compression is hardly worth its time.

use super::block::Block;

/// Bytes of input after which the verdict falls.
const JUDGED_AFTER: u64 = 64 * 1024 * 1024;
/// Whole streams that are smaller than this are not judged: they take no time either way.
const JUDGED_FROM: u64 = 8 * 1024 * 1024;

/// Counts what goes in and out, and tells once, early or never that too little is saved.
pub(super) struct Gain<'a> {
    taken: u64,
    given: u64,
    /// None when the verdict has fallen.
    tell: Option<Box<dyn FnOnce() + Send + 'a>>,
}

impl<'a> Gain<'a> {
    /// Calls `tell` if less than 3 % are saved.
    pub(super) fn new(tell: impl FnOnce() + Send + 'a) -> Self {
        Self { taken: 0, given: 0, tell: Some(Box::new(tell)) }
    }

    /// Takes notice of a compressed block.
    pub(super) fn count(&mut self, block: &Block) {
        self.taken += block.content().len() as u64;
        self.given += block.compressed().len() as u64;
        if self.taken >= JUDGED_AFTER {
            self.judge();
        }
    }

    /// Judges a stream that ended early.
    pub(super) fn finish(mut self) {
        if self.taken >= JUDGED_FROM {
            self.judge();
        }
    }

    fn judge(&mut self) {
        let saves_little = self.given > self.taken / 100 * 97;
        if let Some(tell) = self.tell.take().filter(|_| saves_little) {
            tell();
        }
    }
}
