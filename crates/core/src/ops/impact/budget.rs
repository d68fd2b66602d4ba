//! The limit on requests of a search.

use std::sync::atomic::{AtomicU64, Ordering};

/// The requests that a search may make for each version.
const PER_VERSION: u64 = 3;

/// The requests that a search may always make, so that a few versions are searched completely.
const ALWAYS: u64 = 60;

/// The requests that are left.
pub(super) struct Budget(Option<AtomicU64>);

impl Budget {
    /// A budget without a limit.
    pub(super) fn unlimited() -> Self {
        Self(None)
    }

    /// The budget of a search of so many `versions` that has made some requests already.
    pub(super) fn of(versions: usize, made: u64) -> Self {
        let all = PER_VERSION.saturating_mul(versions as u64).max(ALWAYS);
        Self(Some(AtomicU64::new(all.saturating_sub(made))))
    }

    /// Takes `requests` from the budget. Returns false, and takes none, if fewer are left.
    pub(super) fn take(&self, requests: u64) -> bool {
        let Some(left) = &self.0 else { return true };
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(requests)).is_ok()
    }

    /// Puts back `requests` that were not needed.
    pub(super) fn put_back(&self, requests: u64) {
        if let Some(left) = &self.0 {
            left.fetch_add(requests, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_has_three_requests_for_each_version() {
        let budget = Budget::of(100, 298);
        assert!(!budget.take(3));
        assert!(budget.take(2));
        assert!(!budget.take(1));
        budget.put_back(1);
        assert!(budget.take(1));
        assert!(Budget::of(1, 0).take(60), "a few versions are searched completely");
        assert!(!Budget::of(1, 0).take(61));
        assert!(Budget::unlimited().take(u64::MAX));
    }
}
