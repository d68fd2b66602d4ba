//! Counting the rows that two tables do not share, in bounded memory.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::table::RowsDiff;
use crate::limits;

/// The comparison of two tables that may have the same rows in another order. It takes constant memory: a sum of hashes
/// is the same in any order.
#[derive(Default)]
pub(super) struct Order {
    hashers: [RandomState; 2],
    sums: [u64; 2],
    is_different: bool,
}

impl Order {
    /// Counts two rows that are at the same place and differ.
    pub(super) fn note(&mut self, before: Option<&[u8]>, after: Option<&[u8]>) {
        self.is_different = true;
        for (hasher, sum) in self.hashers.iter().zip(&mut self.sums) {
            let hash = |row: Option<&[u8]>| row.map_or(0, |row| hasher.hash_one(row));
            *sum = sum.wrapping_add(hash(after)).wrapping_sub(hash(before));
        }
    }

    pub(super) fn is_only_difference(&self) -> bool {
        self.is_different && self.sums == [0; 2]
    }
}

/// For each row that is not balanced yet, how many more times the second has it than the first.
///
/// Rows are identified by a keyed hash, so collisions cannot be constructed. By chance, one happens in about one of a
/// million comparisons that reach the limit.
#[derive(Default)]
pub(super) struct Surplus {
    hasher: RandomState,
    counts: HashMap<u64, i64>,
}

impl Surplus {
    /// Counts a row of one side. Returns `None` if there are too many rows.
    pub(super) fn with(mut self, row: Option<&[u8]>, sign: i64) -> Option<Self> {
        let Some(row) = row else { return Some(self) };
        let count = self.counts.entry(self.hasher.hash_one(row)).and_modify(|count| *count += sign).or_insert(sign);
        if *count == 0 {
            self.counts.remove(&self.hasher.hash_one(row));
        }
        (self.counts.len() <= limits::DIFF_ROWS).then_some(self)
    }

    pub(super) fn count(&self) -> RowsDiff {
        let sum = |sign: i64| self.counts.values().map(|count| u64::try_from(count * sign).unwrap_or_default()).sum();
        RowsDiff { added: sum(1), removed: sum(-1) }
    }
}
