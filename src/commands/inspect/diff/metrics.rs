//! The metrics in evaluations, as `kit diff` and `kit log` show them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::table::short;
use crate::output::one_line;
use kit_core::ops::{DataMetrics, MetricChange, MetricsDiff};
use kit_core::provenance::EvaluatedData;

/// The lines of the table: for data that both versions were evaluated on, each metric with its difference.
pub(super) fn lines(names: (&str, &str), metrics: &MetricsDiff) -> Vec<String> {
    if metrics.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["Metrics".to_owned()];
    if metrics.is_incomparable() {
        lines.push(format!("    {NOT_COMPARABLE}"));
    }
    for DataMetrics { data, metrics } in &metrics.both {
        lines.push(format!("    on {}", title(data)));
        let width = metrics.iter().map(|metric| metric.name.len()).max().unwrap_or_default().min(48);
        lines.extend(metrics.iter().map(|metric| {
            let (mark, values) = change(metric);
            format!("  {mark} {:<width$}  {values}", one_line(&metric.name))
        }));
    }
    for (name, group) in [(names.0, &metrics.only_first), (names.1, &metrics.only_second)] {
        lines.extend(
            group
                .iter()
                .map(|on_data| format!("    only {} on {}: {}", one_line(name), title(&on_data.data), values(on_data))),
        );
    }
    lines
}

/// The words for versions that were evaluated on different data.
const NOT_COMPARABLE: &str = "not comparable: evaluated on different data";

/// The lines for a version of a log: its metrics, each with the difference to the version before.
pub(crate) fn of_version(metrics: &MetricsDiff) -> String {
    let mut text = String::new();
    let note = if metrics.is_incomparable() { " (not comparable: evaluated on other data than before)" } else { "" };
    for on_data in metrics.both.iter().chain(&metrics.only_second) {
        let measured = on_data.metrics.iter().filter(|metric| metric.after.is_some()).collect::<Vec<_>>();
        if measured.is_empty() {
            continue;
        }
        let shown = measured.iter().take(MOST_METRICS).map(|metric| {
            let difference = metric.difference().filter(|it| *it != 0.0).map_or_else(String::new, signed);
            format!("{} {}{difference}", metric.name, metric.after.unwrap_or_default())
        });
        let shown = shown.collect::<Vec<_>>().join(", ") + &more(measured.len());
        let line = one_line(&format!("  metrics on {}: {shown}{note}", on_data.data.name));
        writeln!(text, "{line}").expect("writing to a string does not fail");
    }
    text
}

/// The number of metrics that are shown in one line.
const MOST_METRICS: usize = 6;

fn more(count: usize) -> String {
    if count > MOST_METRICS { format!(", {} more", count - MOST_METRICS) } else { String::new() }
}

fn title(data: &EvaluatedData) -> String {
    format!("{} ({})", one_line(&data.name), short(Some(data.digest)))
}

/// The mark of a metric, and its values.
pub(super) fn change(metric: &MetricChange) -> (char, String) {
    match (metric.before, metric.after) {
        (Some(before), Some(after)) => match metric.difference() {
            Some(difference) if difference != 0.0 => ('~', format!("{before} → {after}{}", signed(difference))),
            _ => (' ', after.to_string()),
        },
        (Some(before), None) => ('-', before.to_string()),
        (None, after) => ('+', after.unwrap_or_default().to_string()),
    }
}

fn signed(difference: f64) -> String {
    format!(" ({}{difference})", if difference > 0.0 { "+" } else { "" })
}

/// The metrics that only one version has on some data.
fn values(on_data: &DataMetrics) -> String {
    let value = |metric: &MetricChange| metric.before.or(metric.after).unwrap_or_default();
    let shown = on_data.metrics.iter().take(MOST_METRICS).map(|metric| format!("{} {}", metric.name, value(metric)));
    one_line(&(shown.collect::<Vec<_>>().join(", ") + &more(on_data.metrics.len())))
}

/// The metrics as data; null if no version was evaluated.
pub(crate) fn to_json(metrics: &MetricsDiff) -> Option<Value> {
    let metric = |metric: &MetricChange| {
        let MetricChange { name, before, after } = metric;
        json!({ "name": name, "before": before, "after": after, "difference": metric.difference() })
    };
    let on_data = |DataMetrics { data, metrics }: &DataMetrics| {
        let metrics: Vec<_> = metrics.iter().map(metric).collect();
        json!({ "data": { "name": data.name, "digest": data.digest }, "metrics": metrics })
    };
    let group = |group: &[DataMetrics]| group.iter().map(on_data).collect::<Vec<_>>();
    let all = || {
        json!({
            "comparable": !metrics.is_incomparable(),
            "both": group(&metrics.both),
            "onlyFirst": group(&metrics.only_first),
            "onlySecond": group(&metrics.only_second),
        })
    };
    (!metrics.is_empty()).then(all)
}
