//! The number of connections that the downloads of a client use: one total for all of its blobs.

use std::sync::{Arc, Mutex, MutexGuard};

/// Connections to share. A blob always has one, even if that exceeds the total: other blobs then return some.
pub(crate) struct Budget {
    total: usize,
    ledger: Mutex<Ledger>,
}

#[derive(Default)]
struct Ledger {
    used: usize,
    blobs: usize,
    /// Set if a blob with less than its fair part asked for more and got none.
    is_someone_short: bool,
}

impl Budget {
    pub(crate) fn new(total: usize) -> Arc<Self> {
        Arc::new(Self { total: total.max(1), ledger: Mutex::default() })
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// Takes one connection for one more blob.
    pub(super) fn open(self: &Arc<Self>) -> Share {
        let mut ledger = self.ledger();
        ledger.blobs += 1;
        ledger.used += 1;
        Share { budget: Arc::clone(self), held: 1 }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("counting does not panic")
    }

    fn fair_part(&self, ledger: &Ledger) -> usize {
        (self.total / ledger.blobs.max(1)).max(1)
    }
}

/// The connections of one blob, which are returned when it is dropped.
pub(super) struct Share {
    budget: Arc<Budget>,
    held: usize,
}

impl Share {
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Takes as many of the free connections as are needed to hold `wanted`.
    pub(super) fn grow_to(&mut self, wanted: usize) {
        let mut ledger = self.budget.ledger();
        let fair = self.budget.fair_part(&ledger);
        while self.held < wanted {
            let is_short = self.held < fair;
            if ledger.used >= self.budget.total {
                ledger.is_someone_short |= is_short;
                return;
            }
            if ledger.is_someone_short && !is_short {
                return;
            }
            ledger.is_someone_short = false;
            ledger.used += 1;
            self.held += 1;
        }
    }

    /// Returns the connections above `kept`.
    pub(super) fn shrink_to(&mut self, kept: usize) {
        let surplus = self.held.saturating_sub(kept.max(1));
        self.budget.ledger().used -= surplus;
        self.held -= surplus;
    }

    /// Returns true if another blob should have one of these connections.
    pub(super) fn owes_one(&self) -> bool {
        let ledger = self.budget.ledger();
        let is_over = ledger.used > self.budget.total && self.held > 1;
        is_over || ledger.is_someone_short && self.held > self.budget.fair_part(&ledger)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut ledger = self.budget.ledger();
        ledger.used -= self.held;
        ledger.blobs -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_blob_takes_everything_and_gives_it_to_the_next() {
        let budget = Budget::new(8);
        let mut first = budget.open();
        first.grow_to(20);
        assert_eq!((first.held(), first.owes_one()), (8, false));
        let mut second = budget.open();
        assert!(first.owes_one() && !second.owes_one());
        first.shrink_to(7);
        assert!(!first.owes_one());
        second.grow_to(4);
        assert_eq!(second.held(), 1);
        while first.owes_one() {
            first.shrink_to(first.held() - 1);
            second.grow_to(4);
        }
        assert_eq!((first.held(), second.held()), (4, 4));
        drop(second);
        first.grow_to(20);
        assert_eq!(first.held(), 8);
    }

    #[test]
    fn every_blob_has_one_connection_and_keeps_it() {
        let budget = Budget::new(2);
        let mut shares: Vec<_> = (0..5).map(|_| budget.open()).collect();
        for share in &mut shares {
            share.grow_to(2);
            share.shrink_to(0);
            assert_eq!((share.held(), share.owes_one()), (1, false));
        }
    }
}
