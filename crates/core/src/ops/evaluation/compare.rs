//! Comparing the metrics of two versions: only results on the same data are comparable.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::provenance::{EvaluatedData, Evaluation};

/// The metrics of two versions, by the data that they were evaluated on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricsDiff {
    /// The metrics on data that both were evaluated on.
    pub both: Vec<DataMetrics>,
    /// The metrics on data that only the first was evaluated on.
    pub only_first: Vec<DataMetrics>,
    /// The metrics on data that only the second was evaluated on.
    pub only_second: Vec<DataMetrics>,
}

/// The metrics on the same data.
#[derive(Debug, Clone, PartialEq)]
pub struct DataMetrics {
    /// The data.
    pub data: EvaluatedData,
    /// The metrics in alphabetical order.
    pub metrics: Vec<MetricChange>,
}

/// One metric of two versions.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricChange {
    /// The name.
    pub name: String,
    /// The value of the first version.
    pub before: Option<f64>,
    /// The value of the second version.
    pub after: Option<f64>,
}

impl MetricChange {
    /// The difference, if both versions have the metric. It is rounded to twelve digits after the point, beyond which
    /// the difference of two decimal fractions is noise.
    pub fn difference(&self) -> Option<f64> {
        const DIGITS: f64 = 1e12;
        let difference = self.after? - self.before?;
        let rounded = (difference * DIGITS).round() / DIGITS;
        Some(if difference.abs() < 1000.0 && rounded != 0.0 { rounded } else { difference })
    }
}

impl MetricsDiff {
    /// Returns true if neither version was evaluated.
    pub fn is_empty(&self) -> bool {
        self.both.is_empty() && self.only_first.is_empty() && self.only_second.is_empty()
    }

    /// Returns true if both versions were evaluated, but on different data only.
    pub fn is_incomparable(&self) -> bool {
        self.both.is_empty() && !self.only_first.is_empty() && !self.only_second.is_empty()
    }
}

type ByData<'a> = BTreeMap<Digest, (&'a EvaluatedData, BTreeMap<&'a str, f64>)>;

/// Compares the evaluations of two versions, of each the newest first.
pub(crate) fn compare(before: &[Evaluation], after: &[Evaluation]) -> MetricsDiff {
    let (before, after) = (by_data(before), by_data(after));
    let none = BTreeMap::new();
    let mut diff = MetricsDiff::default();
    for (digest, (data, first)) in &before {
        match after.get(digest) {
            Some((data, second)) => diff.both.push(metrics(data, first, second)),
            None => diff.only_first.push(metrics(data, first, &none)),
        }
    }
    for (_, (data, second)) in after.iter().filter(|(digest, _)| !before.contains_key(*digest)) {
        diff.only_second.push(metrics(data, &none, second));
    }
    for group in [&mut diff.both, &mut diff.only_first, &mut diff.only_second] {
        group.sort_by(|one, other| one.data.cmp(&other.data));
    }
    diff
}

/// The metrics by data. Of a metric that was measured several times, the newest value counts.
fn by_data(evaluations: &[Evaluation]) -> ByData<'_> {
    let mut found = ByData::new();
    for Evaluation { data, metrics, .. } in evaluations {
        let (_, known) = found.entry(data.digest).or_insert_with(|| (data, BTreeMap::new()));
        for (name, value) in metrics {
            known.entry(name).or_insert(*value);
        }
    }
    found
}

fn metrics(data: &EvaluatedData, before: &BTreeMap<&str, f64>, after: &BTreeMap<&str, f64>) -> DataMetrics {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let change = |name: &&str| MetricChange {
        name: (*name).to_owned(),
        before: before.get(name).copied(),
        after: after.get(name).copied(),
    };
    DataMetrics { data: data.clone(), metrics: names.into_iter().map(change).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(data: &str, metrics: &[(&str, f64)]) -> Evaluation {
        Evaluation {
            data: EvaluatedData { name: data.to_owned(), digest: Digest::of(data.as_bytes()) },
            metrics: metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
            minimums: BTreeMap::new(),
            file: None,
        }
    }

    #[test]
    fn only_results_on_the_same_data_are_compared() {
        let before = [evaluation("a", &[("acc", 0.9), ("loss", 0.5)]), evaluation("b", &[("acc", 0.1)])];
        let after = [evaluation("a", &[("acc", 0.93)]), evaluation("a", &[("acc", 0.2), ("f1", 0.7)])];
        let diff = compare(&before, &after);
        let [DataMetrics { metrics, .. }] = &diff.both[..] else { panic!("{diff:?}") };
        let found: Vec<_> = metrics.iter().map(|it| (&*it.name, it.before, it.after, it.difference())).collect();
        let expected = [
            ("acc", Some(0.9), Some(0.93), Some(0.03)),
            ("f1", None, Some(0.7), None),
            ("loss", Some(0.5), None, None),
        ];
        assert_eq!(found, expected);
        assert_eq!((diff.only_first.len(), diff.only_second.len()), (1, 0));
        assert!(!diff.is_incomparable() && !diff.is_empty());
        let other = compare(&before[1..], &after);
        assert!(other.is_incomparable(), "{other:?}");
        assert!(compare(&[], &[]).is_empty() && !compare(&[], &after).is_incomparable());
    }
}
