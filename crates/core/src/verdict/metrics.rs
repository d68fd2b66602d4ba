//! Compares metrics: those in evaluations on the same data, and those that are below an agreed minimum.

use super::comparison::{Comparison, EvaluatedMetrics, Minimum};
use super::fact::{Fact, Level};
use super::kitfiles::{PARAMETERS, numbers};
use super::reason::Reason;

/// A metric of the second version.
struct Metric {
    place: String,
    name: String,
    value: f64,
}

pub(super) fn compare(comparison: &Comparison<'_>) -> Vec<Reason> {
    let mut reasons: Vec<_> = comparison.evaluated.iter().flat_map(changes).collect();
    let metrics = metrics(comparison);
    for Minimum { metric, lowest } in comparison.minimums {
        for Metric { place, value, .. } in metrics.iter().filter(|it| is_metric(&it.name, metric) && it.value < *lowest)
        {
            let text = format!("{value} is below the minimum of {lowest}");
            reasons.push(Reason::of_field(Fact::Metrics, Level::Breaking, place, text));
        }
    }
    reasons
}

/// The minimums whose metric neither the Kitfile nor an evaluation contains.
pub(super) fn unknown(comparison: &Comparison<'_>) -> Vec<String> {
    let metrics = metrics(comparison);
    let is_lacking = |minimum: &&Minimum| !metrics.iter().any(|it| is_metric(&it.name, &minimum.metric));
    let lacking = comparison.minimums.iter().filter(is_lacking);
    let text =
        |name: &str| format!("metric `{name}`: neither the parameters of the model nor an evaluation contain it");
    lacking.map(|minimum| text(&minimum.metric)).collect()
}

/// The metrics that differ between both versions on the same data.
fn changes(evaluated: &EvaluatedMetrics<'_>) -> Vec<Reason> {
    let changes = evaluated.metrics.iter().filter_map(|(name, before, after)| {
        let (before, after) = ((*before)?, (*after)?);
        let text = format!("{before} → {after}");
        let place = place(evaluated, name);
        before.total_cmp(&after).is_ne().then(|| Reason::of_field(Fact::Metrics, Level::Changed, &place, text))
    });
    changes.collect()
}

fn place(evaluated: &EvaluatedMetrics<'_>, name: &str) -> String {
    format!("evaluation[{}].{name}", evaluated.data)
}

/// The metrics of the second version, in its parameters and in its evaluations.
fn metrics(comparison: &Comparison<'_>) -> Vec<Metric> {
    let mut found = Vec::new();
    for evaluated in &comparison.evaluated {
        found.extend(evaluated.metrics.iter().filter_map(|(name, _, after)| {
            Some(Metric { place: place(evaluated, name), name: (*name).to_owned(), value: (*after)? })
        }));
    }
    found.extend(numbers(comparison.parameters).into_iter().map(|(path, value)| Metric {
        place: format!("{PARAMETERS}{path}"),
        name: path,
        value,
    }));
    found.sort_by(|one, other| one.place.cmp(&other.place));
    found
}

/// Returns true if a metric is called `name`: by its whole path, or by its last name.
fn is_metric(path: &str, name: &str) -> bool {
    path == name || path.rsplit('.').next() == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Profile;

    #[test]
    fn metrics_of_evaluations_are_compared_and_have_minimums() {
        let minimums = ["acc=0.9".parse().unwrap(), "f1=0.5".parse().unwrap(), "bleu=1".parse().unwrap()];
        let (before, after) = (&Profile::default(), &Profile::default());
        let metrics =
            vec![("test.acc", Some(0.95), Some(0.8)), ("f1", None, Some(0.6)), ("loss", Some(1.0), Some(1.0))];
        let evaluated = vec![EvaluatedMetrics { data: "eval.csv", metrics }];
        let (fields, files, parameters) = (Vec::new(), Vec::new(), None);
        let comparison = Comparison { before, after, fields, files, parameters, minimums: &minimums, evaluated };
        let expected = [
            Reason::of_field(Fact::Metrics, Level::Changed, "evaluation[eval.csv].test.acc", "0.95 → 0.8"),
            Reason::of_field(
                Fact::Metrics,
                Level::Breaking,
                "evaluation[eval.csv].test.acc",
                "0.8 is below the minimum of 0.9",
            ),
        ];
        assert_eq!(compare(&comparison), expected);
        let unknown = unknown(&comparison);
        assert!(matches!(&unknown[..], [text] if text.starts_with("metric `bleu`: neither")), "{unknown:?}");
    }
}
