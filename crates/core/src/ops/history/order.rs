//! The order of versions: a version comes before the one that it replaced; otherwise the newer one comes first.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::digest::Digest;

/// The data that determines the position of a version in the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) digest: Digest,
    /// The version that it replaced.
    pub(super) previous: Option<Digest>,
    pub(super) time: Option<Timestamp>,
}

/// Returns the indexes of `versions`, newest first. Versions without a time are the oldest. Attestations can contradict
/// each other, and anyone who can push can write them; in that case the time decides.
pub(super) fn newest_first(versions: &[Moment]) -> Vec<usize> {
    let by_digest: HashMap<_, _> =
        versions.iter().enumerate().map(|(index, version)| (version.digest, index)).collect();
    let previous = |index: usize| {
        let found = versions[index].previous.and_then(|digest| by_digest.get(&digest).copied());
        found.filter(|previous| *previous != index)
    };
    // For each version, the number of versions without a position yet that replaced it.
    let mut successors = vec![0_usize; versions.len()];
    for previous in (0..versions.len()).filter_map(previous) {
        successors[previous] += 1;
    }
    let mut left: Vec<usize> = (0..versions.len()).collect();
    left.sort_by_key(|index| (versions[*index].time, versions[*index].digest));
    let mut order = Vec::new();
    while !left.is_empty() {
        let position = left.iter().rposition(|index| successors[*index] == 0).unwrap_or(left.len() - 1);
        let index = left.remove(position);
        if let Some(previous) = previous(index) {
            successors[previous] = successors[previous].saturating_sub(1);
        }
        order.push(index);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each version is given as its name, the name of the version that it replaced, and a time.
    fn check(versions: &[(&str, &str, Option<i64>)], expected: &str) {
        let digest = |name: &str| (!name.is_empty()).then(|| Digest::of(name.as_bytes()));
        let moment = |(name, previous, time): &(&str, &str, Option<i64>)| Moment {
            digest: digest(name).unwrap(),
            previous: digest(previous),
            time: time.map(|seconds| Timestamp::from_second(seconds).unwrap()),
        };
        let moments: Vec<_> = versions.iter().map(moment).collect();
        let order: Vec<_> = newest_first(&moments).into_iter().map(|index| versions[index].0).collect();
        assert_eq!(order.join(" "), expected, "{versions:?}");
    }

    #[test]
    fn versions_are_ordered_by_replacement_and_then_by_time() {
        check(&[], "");
        check(&[("a", "", Some(1)), ("b", "a", Some(2)), ("c", "b", Some(3))], "c b a");
        check(&[("a", "", Some(9)), ("b", "a", Some(2)), ("c", "b", None)], "c b a");
        check(&[("a", "", Some(1)), ("b", "", Some(3)), ("c", "", Some(2))], "b c a");
        check(&[("a", "", None), ("b", "", Some(3))], "b a");
        check(&[("a", "", Some(1)), ("x", "a", Some(2)), ("y", "a", Some(3))], "y x a");
    }

    #[test]
    fn contradictory_records_still_give_an_order() {
        check(&[("a", "a", Some(1))], "a");
        check(&[("a", "b", Some(1)), ("b", "a", Some(2))], "b a");
        check(&[("a", "c", Some(1)), ("b", "a", Some(2)), ("c", "b", Some(3)), ("d", "unknown", Some(0))], "d c b a");
    }
}
